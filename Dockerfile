# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin highwater \
    && install -D target/release/highwater /out/highwater \
    && install -d /out/var

# No shell, no package manager; CA certificates, glibc and the user 65532 are there.
FROM gcr.io/distroless/cc-debian12:nonroot
# The health check's HTTP client: under this name the binary is wget and nothing else.
COPY --from=busybox:1.37-musl /bin/busybox /usr/bin/wget
COPY --from=build /out/highwater /usr/local/bin/highwater

# The layout of the repository: config/ and rules/ are mounted, var/ is all that is ever written.
WORKDIR /highwater
COPY --from=build --chown=65532:65532 --chmod=700 /out/var var
VOLUME ["/highwater/var"]
USER 65532:65532

# Nobody outside could reach the default, which is loopback.
ENV HIGHWATER_SERVER__LISTEN=0.0.0.0:7585
EXPOSE 7585
# /healthz, not /readyz: a cluster that is down must not get the one restarted that tells about it.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/usr/bin/wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:7585/healthz"]

ENTRYPOINT ["/usr/local/bin/highwater"]
CMD ["run"]
