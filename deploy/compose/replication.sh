#!/bin/bash
# Prepares the primary of several-instances.yaml, when its database is created: a standby may copy it, and a transaction
# is reported as committed when the standby has it, too. Otherwise a failover could undo a mark of a call, and the call
# would be sent twice. The settings apply from the next start on, which follows.
set -e
echo 'host replication twincast all scram-sha-256' >> "$PGDATA/pg_hba.conf"
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 <<'SQL'
alter system set synchronous_standby_names = '*';
alter system set wal_keep_size = '1GB';
SQL
