#!/bin/bash
# Runs one of the two servers of PostgreSQL of several-instances.yaml. One with data goes on with it, as the primary or as a
# standby. One without data copies its peer, or creates the database if it is the one that PRIMARY names.
set -e

peer_is_primary() {
  local answer
  answer=$(PGCONNECT_TIMEOUT=5 psql --host="$PEER" --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
    --no-password --tuples-only --no-align --command='select pg_is_in_recovery()' 2>/dev/null) && [ "$answer" = f ]
}

if [ -s "$PGDATA/PG_VERSION" ]; then
  if [ ! -e "$PGDATA/standby.signal" ] && peer_is_primary; then
    echo "$PEER is the primary now, and there must not be a second one. Remove the volume of $HOSTNAME, so that it copies $PEER." >&2
    exit 1
  fi
elif [ "$PRIMARY" != "$HOSTNAME" ] || peer_is_primary; then
  # A copy that was interrupted is never taken for a whole one.
  copy="$PGDATA.copy"
  until rm -rf "$copy" && pg_basebackup --pgdata="$copy" --write-recovery-conf --wal-method=stream --checkpoint=fast \
    --no-password --dbname="host=$PEER user=$POSTGRES_USER"; do
    sleep 1
  done
  # After a promotion it waits for no standby, until it has one.
  echo "synchronous_standby_names = ''" >> "$copy/postgresql.auto.conf"
  mv --no-target-directory "$copy" "$PGDATA"
fi
exec docker-entrypoint.sh postgres
