;; The carrier: what Envoy runs to put one document where the filter finds it.
;;
;; A document travels as the configuration of a plugin, and Envoy wants the plugin's module
;; with each. The filter's own has more than a megabyte; this one has some hundred bytes,
;; has the filter's `vm_id`, and so shares the filter's data (Envoy keeps them by `vm_id`).
;;
;; A document begins with a head (`cubegate_filter_config::Frame`):
;;   0  16  its digest, by which its versions are told apart
;;   16  1  its slot, which is its place among all documents
;;   17  7  what is of no interest here
;;   24     what it says
;;
;; Shared are, under keys of one or two bytes:
;;   "d" slot   the document
;;   "v" slot   its head, so that a look costs no copy of the document
;;   "c"        put there anew with every document: its version (`cas`), which Envoy gives it,
;;              moves then, so that one look tells of all
;;
;; Envoy configures a plugin first in a virtual machine made for the trial, and then in that of each
;; worker, in its own time. So a worker may come with a version that is older than what is
;; shared. It puts a document there only if what is shared is the version that it was told
;; before, or if it was told none: then nobody knows whether it is behind, and as it is given every
;; version in turn, it ends with the newest.
;;
;; Each byte of it is sent with each document, so it is written to be short: `malloc` and not
;; `proxy_on_memory_allocate`, places below 64, whose numbers have one byte.
(module
  (import "env" "proxy_get_buffer_bytes"
    (func $get_buffer_bytes (param $type i32) (param $start i32) (param $length i32)
      (param $data i32) (param $size i32) (result i32)))
  (import "env" "proxy_get_shared_data"
    (func $get_shared_data (param $key i32) (param $key_size i32)
      (param $data i32) (param $size i32) (param $cas i32) (result i32)))
  (import "env" "proxy_set_shared_data"
    (func $set_shared_data (param $key i32) (param $key_size i32)
      (param $data i32) (param $size i32) (param $cas i32) (result i32)))

  ;; 0..12     where Envoy writes an address, a size and a version
  ;; 12..17    the three keys
  ;; 32..4128  for each slot the version that this machine was told last; none is zeros
  ;; 4128..    what Envoy hands over, until the call has ended
  (memory (export "memory") 1)
  (data (i32.const 12) "v\00d\00c")
  (global $top (mut i32) (i32.const 4128))

  (func (export "proxy_abi_version_0_2_1"))

  ;; Room for what Envoy hands over. Without the memory it is outside of it, which Envoy takes as
  ;; a refusal.
  (func (export "malloc") (param $size i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.shl (memory.size) (i32.const 16)))
      (then
        (drop (memory.grow
          (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))))

  ;; Whether the 16 bytes at two places are the same.
  (func $same (param $a i32) (param $b i32) (result i32)
    (i64.eqz
      (i64.or
        (i64.xor (i64.load (local.get $a)) (i64.load (local.get $b)))
        (i64.xor (i64.load offset=8 (local.get $a)) (i64.load offset=8 (local.get $b))))))

  (func (export "proxy_on_configure") (param $context i32) (param $size i32) (result i32)
    (local $document i32)
    (local $told i32)
    (global.set $top (i32.const 4128))
    (block $refused
      (br_if $refused (i32.lt_u (local.get $size) (i32.const 24)))
      ;; 7 is the plugin's configuration.
      (br_if $refused (call $get_buffer_bytes
        (i32.const 7) (i32.const 0) (local.get $size) (i32.const 0) (i32.const 4)))
      (local.set $document (i32.load (i32.const 0)))
      (local.set $told (i32.load8_u offset=16 (local.get $document)))
      (i32.store8 (i32.const 13) (local.get $told))
      (i32.store8 (i32.const 15) (local.get $told))
      (local.set $told (i32.shl (i32.add (local.get $told) (i32.const 2)) (i32.const 4)))
      (block $kept
        (if (i32.eqz (call $get_shared_data
              (i32.const 12) (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 8)))
          (then
            (br_if $kept (call $same (i32.load (i32.const 0)) (local.get $document)))
            (br_if $kept (i32.eqz (i32.or
              (call $same (i32.load (i32.const 0)) (local.get $told))
              (i64.eqz (i64.load (local.get $told))))))))
        ;; The document first and "c" last: who sees that moved sees what moved it.
        (drop (call $set_shared_data
          (i32.const 14) (i32.const 2) (local.get $document) (local.get $size) (i32.const 0)))
        (drop (call $set_shared_data
          (i32.const 12) (i32.const 2) (local.get $document) (i32.const 24) (i32.const 0)))
        (drop (call $set_shared_data
          (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0))))
      (memory.copy (local.get $told) (local.get $document) (i32.const 16))
      (return (i32.const 1)))
    (i32.const 0)))
