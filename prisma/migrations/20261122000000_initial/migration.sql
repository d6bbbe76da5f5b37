-- Ids are compared byte by byte (collate "C"), so that keyset pages have one order on every machine.

create table hub (
  id boolean primary key default true check (id),
  request_key bytea not null
);
comment on table hub is 'One row: what all instances on this database share.';
-- 244 unpredictable bits: the key under which request ids of method calls are made (src/job/request-id.ts).
insert into hub (request_key)
values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

create table policy (
  name text collate "C" primary key,
  rights text[] not null,
  primary_key text not null,
  secondary_key text not null
);

create table device (
  id text collate "C" primary key,
  generation_id text not null,
  etag_version integer not null default 1,
  status text not null default 'enabled' check (status in ('enabled', 'disabled')),
  status_reason text,
  status_updated_time timestamptz(3),
  authentication_type text not null default 'sas'
    check (authentication_type in ('sas', 'selfSigned', 'certificateAuthority', 'none')),
  primary_key text,
  secondary_key text,
  primary_thumbprint text,
  secondary_thumbprint text,
  iot_edge boolean not null default false,
  model_id text not null default '',
  connection_state text not null default 'disconnected'
    check (connection_state in ('connected', 'disconnected')),
  connection_state_updated_time timestamptz(3),
  connection_id text,
  instance_id text,
  last_activity_time timestamptz(3),
  created_time timestamptz(3) not null,
  check ((primary_key is null) = (secondary_key is null)),
  check (connection_state = 'disconnected' or (connection_id is not null and instance_id is not null))
) with (fillfactor = 80); -- presence is updated in place: leave room on the page, no index names its columns

create table twin (
  device_id text collate "C" primary key references device (id) on delete cascade,
  tags jsonb not null default '{}' check (jsonb_typeof(tags) = 'object'),
  desired jsonb not null default '{}' check (jsonb_typeof(desired) = 'object'),
  desired_metadata jsonb not null default '{}',
  desired_version integer not null default 1,
  reported jsonb not null default '{}' check (jsonb_typeof(reported) = 'object'),
  reported_metadata jsonb not null default '{}',
  reported_version integer not null default 1,
  version integer not null default 1,
  etag_version integer not null default 1
) with (fillfactor = 80);
-- Equality in a condition compiles to containment (src/query/compiler.ts); jsonb_path_ops is the smaller index for it.
create index twin_tags on twin using gin (tags jsonb_path_ops);
create index twin_desired on twin using gin (desired jsonb_path_ops);
create index twin_reported on twin using gin (reported jsonb_path_ops);

create table job (
  id text collate "C" primary key,
  -- What the facts name the job by: eight bytes in each of a million rows instead of up to 64.
  key bigint not null unique generated always as identity,
  type text not null check (type in ('scheduleDeviceMethod', 'scheduleUpdateTwin')),
  status text not null
    check (status in ('queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled')),
  query_condition text not null,
  -- json, not jsonb: a method's payload is passed on as it came, and jsonb cannot hold \u0000.
  request json not null,
  created_time timestamptz(3) not null,
  start_time timestamptz(3) not null,
  started_time timestamptz(3), -- when its devices were fixed; later than start_time when it waited for a slot
  end_time timestamptz(3),
  max_execution_time_seconds integer not null check (max_execution_time_seconds > 0),
  deadline timestamptz(3) not null,
  failure_reason text,
  status_message text,
  device_count integer not null default 0,
  pending_count integer not null default 0 check (pending_count >= 0),
  running_count integer not null default 0 check (running_count >= 0),
  succeeded_count integer not null default 0 check (succeeded_count >= 0),
  failed_count integer not null default 0 check (failed_count >= 0),
  canceled_count integer not null default 0 check (canceled_count >= 0),
  version integer not null default 1,
  constraint job_statistics_add_up check (
    device_count = pending_count + running_count + succeeded_count + failed_count + canceled_count
  ),
  -- A job that has ended has an end time and nothing open; a cancelled one ends when its calls under way have.
  constraint job_end check (
    case when end_time is null then status not in ('completed', 'failed')
         else status in ('completed', 'failed', 'cancelled') and pending_count = 0 and running_count = 0 end
  )
) with (fillfactor = 50); -- counters change with every batch: updates stay on the page
create index job_created on job (created_time, id);
create index job_status_created on job (status, created_time, id);
create index job_open on job (start_time) where end_time is null;
create index job_end_time on job (end_time) where end_time is not null;

-- The three facts about a device job (ARCHITECTURE.md): appended, never updated. They are the hot tables, so they have
-- no foreign keys (a trigger call a row); job/store.ts deletes a job's facts before the job.
create table device_job (
  job_key bigint not null,
  device_id text collate "C" not null,
  primary key (job_key, device_id)
);
create table device_job_dispatch (
  job_key bigint not null,
  device_id text collate "C" not null,
  dispatched_time timestamptz(3) not null,
  deadline timestamptz(3) not null,
  primary key (job_key, device_id)
);
create table device_job_outcome (
  job_key bigint not null,
  device_id text collate "C" not null,
  ended_time timestamptz(3) not null,
  response_status integer,
  response_payload text, -- the JSON as the device sent it
  error_code text,
  error_description text,
  primary key (job_key, device_id),
  check ((error_code is null) = (error_description is null))
);
