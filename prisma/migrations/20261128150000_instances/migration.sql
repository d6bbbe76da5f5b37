-- Who is alive on this database, by its own clock (src/database/lease.ts).
create table instance (
  id text collate "C" primary key, -- of one run of a process
  lease_until timestamptz not null -- -infinity: taken for dead, for good
) with (fillfactor = 50); -- written every two seconds: updates stay on the page

-- No connection outlives the update of the hub, and what earlier releases wrote names no row of this table.
update device
set connection_state = 'disconnected', connection_state_updated_time = now(), connection_id = null, instance_id = null
where connection_state = 'connected';
