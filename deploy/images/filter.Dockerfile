# The filter as an artifact of its own: one layer, one file, /plugin.wasm, as gateways and `oras pull` expect it.
# It is nothing to run. docs/gateways.md says why Cubegate's own Envoys do not get it this way.
#
#   docker build --file deploy/images/filter.Dockerfile --tag cubegate-filter .
ARG BUILDER=rust:1.95.0-slim-bookworm

FROM --platform=$BUILDPLATFORM ${BUILDER} AS build
WORKDIR /source
COPY . .
RUN deploy/images/compile.sh /out amd64 filter && mv /out/cubegate_filter.wasm /plugin.wasm

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Cubegate filter" \
      org.opencontainers.image.description="The proxy-wasm module of Cubegate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /plugin.wasm /plugin.wasm
