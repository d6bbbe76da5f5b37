# The image of a hub: `docker build -t twincast .`
# The steps of both stages also run in test/deploy/image.test.ts.

FROM node:20.20.2-bookworm-slim AS package
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund
RUN mkdir -p /package /opt/twincast
RUN npm pack --loglevel=error --pack-destination /package
# npm takes the packages that a lock file in the folder names, and so none that was published after the release.
RUN cp package-lock.json /opt/twincast
RUN npm install --prefix /opt/twincast --omit=dev --engine-strict --no-audit --no-fund /package/twincast-*.tgz
# For any user, whatever the mask of the files was.
RUN chmod -R a+rX /opt/twincast

FROM node:20.20.2-bookworm-slim
RUN mkdir -p /var/lib/twincast && chown 65534:65534 /var/lib/twincast && chmod 700 /var/lib/twincast
COPY --from=package /opt/twincast /opt/twincast
ENV NODE_ENV=production
ENV DATA_DIR=/var/lib/twincast
# The command "twincast", for docker exec.
ENV PATH=/opt/twincast/node_modules/.bin:$PATH
# Outside the container, only ports with TLS and those of the metrics can be reached; plain HTTP is for the check below.
ENV HOST=0.0.0.0
ENV HTTP_HOST=127.0.0.1
ENV METRICS_HOST=0.0.0.0
WORKDIR /var/lib/twincast
VOLUME /var/lib/twincast
USER 65534:65534
EXPOSE 4443 8883 4090
# Whether the process answers. Whether it can work is in /readyz: a restart does not help while the database is away.
# By bash, because Node.js needs a quarter of a second of CPU time to start and to ask.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${HTTP_PORT:-4000} && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=32", "--initial-old-space-size=256", "/opt/twincast/node_modules/twincast/dist/cli/twincast.js"]
CMD ["start"]
