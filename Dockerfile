# hexseal without a clone: docker build -t hexseal . ; docker run --rm -v "$PWD:/data" hexseal build /data/region.toml
FROM python:3.11-slim AS wheel
COPY . /source
WORKDIR /source
# The wheel holds the front end, so that the image needs no node.
RUN pip install --no-cache-dir build && python -m build --wheel --outdir /wheels

FROM python:3.11-slim
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir /wheels/hexseal-*.whl && rm -r /wheels \
    && useradd --create-home --uid 1000 hexseal
USER hexseal
WORKDIR /data
ENTRYPOINT ["hexseal"]
