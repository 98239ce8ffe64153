# One server of Unmasked: `docker build -t unmasked .`, then
#   docker run -p 8501:8501 -e STREAMLIT_BROWSER_SERVER_ADDRESS=lab.local -v unmasked:/data unmasked
# where lab.local is the name that learners type. compose.yaml has two servers with PostgreSQL behind a proxy.

FROM python:3.12-slim AS packages
RUN python -m venv /opt/venv
COPY requirements.txt requirements-cluster.txt requirements.lock ./
# The lock is a constraint, so that the image can be built for ARM too: what is needed only there has no line in it.
# Byte-compiled here, for nobody can write there later: `import tensorflow` would take 6-8 s in every worker. Unchecked,
# because copying between stages may change the files' times. A few packages hold files that are no Python.
RUN /opt/venv/bin/pip install --disable-pip-version-check --no-cache-dir --no-compile \
      -r requirements.txt -r requirements-cluster.txt -c requirements.lock \
 && { /opt/venv/bin/python -m compileall -qq -j 0 --invalidation-mode unchecked-hash /opt/venv/lib || true; }

FROM python:3.12-slim
# The clinic runs code that anybody pastes (docs/walls.md): never as root. /data is the one folder that can be written.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin unmasked \
 && install --directory --owner=unmasked --group=unmasked --mode=700 /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY app.py requirements.txt ./
COPY .streamlit/config.toml .streamlit/config.toml
COPY docs/scorecard.md docs/scorecard.md
COPY pages pages
COPY lessons lessons
RUN /opt/venv/bin/python -m compileall -qq --invalidation-mode unchecked-hash app.py pages lessons

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    UNMASKED_DATABASE_URL=sqlite:////data/classroom.sqlite \
    UNMASKED_GRAPHS=/data/graphs
USER unmasked
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as ask; ask.urlopen(f\"http://127.0.0.1:{os.environ['STREAMLIT_SERVER_PORT']}/_stcore/health\", timeout=4)"]
# Streamlit ends in good order on SIGINT and on SIGTERM.
CMD ["python", "-m", "streamlit", "run", "app.py"]
