//! Objects in Kubernetes' protobuf form, which newer clients send, as far as somebody needs
//! to look at one without knowing all of its kind.
//!
//! A body is four bytes and an envelope (`runtime.Unknown` in `k8s.io/apimachinery`) around
//! the object; fields are known by number. Go's readers let the last one of equal fields
//! count, or join them; here an object is refused that has one twice, so that there is
//! one way to read it.

use thiserror::Error;

/// What a body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Fields of the envelope: the object, how it is encoded, and as what.
const RAW: u64 = 2;
const CONTENT_ENCODING: u64 = 3;
const CONTENT_TYPE: u64 = 4;

/// Why bytes are no message, or one that can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the bytes are no protobuf message with each field once")]
pub struct Malformed;

/// A message whose fields have been told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Numbers, and the bytes of those that have any.
    fields: Vec<(u64, Option<&'a [u8]>)>,
}

// === impl Message ===

impl<'a> Message<'a> {
    /// Returns the object of a request's body.
    ///
    /// # Errors
    /// [`Malformed`], also for an object that is encoded once more.
    pub fn of_body(body: &'a [u8]) -> Result<Self, Malformed> {
        let envelope = Self::read(body.strip_prefix(MAGIC).ok_or(Malformed)?)?;
        for number in [CONTENT_ENCODING, CONTENT_TYPE] {
            if envelope
                .bytes(number)?
                .is_some_and(|bytes| !bytes.is_empty())
            {
                return Err(Malformed);
            }
        }
        Self::read(envelope.bytes(RAW)?.unwrap_or_default())
    }

    /// Tells the fields of a message apart.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(mut rest: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest)?;
            let (number, wire_type) = (key >> 3, key & 7);
            let bytes = match wire_type {
                0 => {
                    varint(&mut rest)?;
                    None
                }
                1 => {
                    take(&mut rest, 8)?;
                    None
                }
                2 => {
                    let length = varint(&mut rest)?;
                    Some(take(&mut rest, length)?)
                }
                5 => {
                    take(&mut rest, 4)?;
                    None
                }
                // Groups, which nobody sends.
                _ => return Err(Malformed),
            };
            if number == 0 {
                return Err(Malformed);
            }
            fields.push((number, bytes));
        }
        Ok(Self { fields })
    }

    /// Returns the message in the field of this number, if it is there.
    ///
    /// # Errors
    /// [`Malformed`]; the field is there twice, or is none.
    pub fn message(&self, number: u64) -> Result<Option<Self>, Malformed> {
        self.bytes(number)?.map(Self::read).transpose()
    }

    /// Returns the text in the field of this number, if it is there.
    ///
    /// # Errors
    /// As for [`Message::message`].
    pub fn text(&self, number: u64) -> Result<Option<String>, Malformed> {
        let bytes = self.bytes(number)?;
        let text = bytes.map(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
        text.transpose().map_err(|_| Malformed)
    }

    fn bytes(&self, number: u64) -> Result<Option<&'a [u8]>, Malformed> {
        let mut found = self.fields.iter().filter(|(have, _)| *have == number);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, Some(bytes))), None) => Ok(Some(bytes)),
            _ => Err(Malformed),
        }
    }
}

/// Takes a number of seven bits a byte, the lowest first.
fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first().ok_or(Malformed)?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    let (taken, behind) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = behind;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[number << 3 | 2, length], bytes].concat()
    }

    #[test]
    fn an_object_is_in_an_envelope() {
        let object = [field(2, &field(1, b"shop")), vec![3 << 3, 0x96, 1]].concat();
        let body = [MAGIC, &field(1, b"x"), &field(2, &object), &field(3, b"")].concat();
        let object = Message::of_body(&body).unwrap();
        let spec = object.message(2).unwrap().unwrap();
        assert_eq!(spec.text(1), Ok(Some("shop".to_owned())));
        assert_eq!((spec.text(2), object.message(1)), (Ok(None), Ok(None)));
        // A number is no text.
        assert_eq!(object.text(3), Err(Malformed));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let twice = [field(1, b"a"), field(1, b"b")].concat();
        assert_eq!(Message::read(&twice).unwrap().text(1), Err(Malformed));
        let encoded = [MAGIC, &field(2, b""), &field(3, b"gzip")].concat();
        assert_eq!(Message::of_body(&encoded), Err(Malformed));
        assert_eq!(
            Message::read(&field(1, &[0xff])).unwrap().text(1),
            Err(Malformed)
        );
        for bytes in [
            &[0x0a][..],
            &[0x0a, 2, b'a'],
            &[0x0b],
            &[0x02, 0],
            &[0x09, 1],
            &[0xff; 11],
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
            ],
        ] {
            assert_eq!(Message::read(bytes), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(Message::of_body(b"{}"), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = Message::read(&bytes) {
                for number in 0..32 {
                    let _read = (message.text(number), message.message(number));
                }
            }
        }
    }
}
