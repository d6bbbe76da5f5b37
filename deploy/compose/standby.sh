#!/bin/bash
# Runs the standby of several-instances.yaml: copies the primary at the first start, and follows it. After a promotion
# this server waits for no standby of its own, until synchronous_standby_names is set here.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  until pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream --checkpoint=fast \
    --dbname='host=primary user=twincast'; do
    sleep 1
  done
fi
exec postgres -c synchronous_standby_names=
