# Envoy with the filter inside. A control plane's Envoys get the filter over xDS; the file is for configurations without
# one (envoy/static.yaml), and for those who want it compiled when Envoy starts.
#
#   docker build --file deploy/images/envoy.Dockerfile --tag cubegate-envoy .
#
# Its base has no shell and no curl, and Envoy cannot ask itself anything. So a static program of some hundred kilobytes
# (control-plane/health) is the health check: it asks the filter at the listener, because Envoy's own /ready says nothing
# about a filter that is missing or dead.
ARG BUILDER=rust:1.95.0-slim-bookworm
ARG BASE=envoyproxy/envoy:distroless-v1.40-latest

FROM --platform=$BUILDPLATFORM ${BUILDER} AS build
ARG TARGETARCH=amd64
WORKDIR /source
COPY . .
RUN deploy/images/compile.sh /out "$TARGETARCH" health filter && mkdir /empty

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Envoy with the Cubegate filter" \
      org.opencontainers.image.description="The data path of Cubegate: verifies tokens, picks the cluster, pages lists" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# A new volume gets the owner of the folder.
COPY --from=build --chown=65532:65532 /empty /etc/cubegate/xds
COPY --from=build /out/cubegate_filter.wasm /usr/share/cubegate/cubegate_filter.wasm
COPY --from=build /out/cubegate-health /usr/local/bin/cubegate-health
USER 65532:65532
# Clients.
EXPOSE 30443
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/cubegate-health"]
ENTRYPOINT ["/usr/local/bin/envoy"]
# Without hot restart several can run, and none needs shared memory: the root file system may be read-only.
CMD ["--config-path", "/etc/cubegate/bootstrap.yaml", "--disable-hot-restart"]
