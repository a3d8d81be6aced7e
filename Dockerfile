# syntax=docker/dockerfile:1
# Two images of one program: `construction` serves the API, `engines` runs the relay, the engines and the scheduler.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/basecommerce
COPY requirements.lock .
RUN /opt/basecommerce/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY runtime runtime
COPY handlers handlers
COPY actors actors
COPY sql sql
# The build backend is needed here only; the packages themselves come from the lock.
RUN python -m venv /tmp/backend \
    && /tmp/backend/bin/pip install hatchling==1.33.0 \
    && /tmp/backend/bin/python -m hatchling build -t wheel -d /tmp/wheel \
    && /opt/basecommerce/bin/pip install --no-deps /tmp/wheel/*.whl

FROM python:3.11-slim-bookworm AS base
# A volume mounted on the directory of images takes its owner from here.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin basecommerce \
    && install -d -o 10001 -g 10001 -m 700 /var/lib/basecommerce/files
COPY --from=build /opt/basecommerce /opt/basecommerce
ENV PATH=/opt/basecommerce/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json \
    BASECOMMERCE_HOME=/tmp/basecommerce
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/ready', timeout=2)"]
ENTRYPOINT ["basecommerce"]
CMD ["run"]

FROM base AS construction
ENV ROLES=api API_HOST=0.0.0.0 API_PORT=8000
EXPOSE 8000

FROM base AS engines
ENV ROLES=relay,engines,scheduler
