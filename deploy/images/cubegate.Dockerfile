# The control plane and the command line, with the filter that it hands to its Envoys.
#
#   docker build --file deploy/images/cubegate.Dockerfile --tag cubegate .
#
# BUILDER has Rust, BASE has glibc and libgcc and nothing else that is needed: no shell, no package manager.
ARG BUILDER=rust:1.95.0-slim-bookworm
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${BUILDER} AS build
ARG TARGETARCH=amd64
WORKDIR /source
COPY . .
# The base has no mkdir; a new volume gets the folder's owner.
RUN deploy/images/compile.sh /out "$TARGETARCH" cubegate filter && mkdir /empty

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Cubegate control plane" \
      org.opencontainers.image.description="A gateway in front of many Kubernetes clusters: users, keys, tokens, clusters, and what Envoys are told" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build --chown=65532:65532 /empty /var/lib/cubegate
COPY --from=build /out/cubegate_filter.wasm /usr/share/cubegate/cubegate_filter.wasm
COPY --from=build /out/cubegate /usr/local/bin/cubegate
ENV CUBEGATE_FILTER=/usr/share/cubegate/cubegate_filter.wasm
USER 65532:65532
# HTTP API, xDS, metrics.
EXPOSE 8080 18000 9464
# Whether the process lives, not whether its database does: who is started again for the database's sake helps nobody.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/cubegate", "health"]
ENTRYPOINT ["/usr/local/bin/cubegate"]
CMD ["serve"]
