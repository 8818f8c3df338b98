#!/usr/bin/env python3
"""artifact.py: checks the filter's image: one layer with one file, /plugin.wasm, by both kinds of manifest.

Usage:   artifact.py IMAGE FILE          FILE is what plugin.wasm must be, byte for byte
Needs:   buildah.
Outputs: one line on stderr.
Exit:    0 it is so; 1 with what is not.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile

DOCKER, OCI = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"


def main(image, file):
    with open(file, "rb") as wanted:
        wanted = wanted.read()
    with tempfile.TemporaryDirectory() as work:
        for kind, wanted_type, destination in (("oci", OCI, f"oci:{work}/oci:it"), ("v2s2", DOCKER, f"dir:{work}/v2s2")):
            subprocess.run(["buildah", "push", "--quiet", "--format", kind, image, destination], check=True, stdout=subprocess.DEVNULL)
            folder = f"{work}/{kind}"
            if kind == "oci":
                blob = lambda digest: open(f"{folder}/blobs/{digest.replace(':', '/')}", "rb").read()
                manifest = json.loads(blob(json.load(open(f"{folder}/index.json"))["manifests"][0]["digest"]))
            else:
                blob = lambda digest: open(f"{folder}/{digest.split(':')[1]}", "rb").read()
                manifest = json.load(open(f"{folder}/manifest.json"))
            assert manifest.get("mediaType", OCI) == wanted_type, manifest
            assert len(manifest["layers"]) == 1, f"{len(manifest['layers'])} layers, not one"
            layer = manifest["layers"][0]
            packed = blob(layer["digest"])
            assert "tar" in layer["mediaType"], layer
            if packed.startswith(b"\x1f\x8b"):
                packed = gzip.decompress(packed)
            with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
                names = tar.getnames()
                assert names == ["plugin.wasm"], names
                assert tar.extractfile("plugin.wasm").read() == wanted, "plugin.wasm is not the filter"
    print(f"[{os.path.basename(__file__)}] ok: {image} is one layer with /plugin.wasm, as OCI and as Docker manifest", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as error:
        sys.exit(f"[{os.path.basename(__file__)}] error: {error}")
