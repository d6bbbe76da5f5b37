create table webhook (
  id uuid primary key,
  url text not null,
  events text[] not null,
  failure_share double precision,
  minimum_devices integer,
  description text,
  enabled boolean not null,
  disabled_reason text,
  secret text not null,
  previous_secret text,
  previous_until timestamptz(3),
  created_time timestamptz(3) not null,
  created_by text not null
);
comment on table webhook is 'Where the hub sends events of jobs.';
comment on column webhook.failure_share is 'The event job.threshold: the share of failed and refused among the ended device jobs that must be exceeded.';
comment on column webhook.minimum_devices is 'The event job.threshold: the number of device jobs that must have ended.';
comment on column webhook.disabled_reason is 'Why the hub disabled it. Null when a client did.';
comment on column webhook.previous_secret is 'The secret before the last rotation, with which messages are also signed until previous_until.';

create table webhook_delivery (
  id uuid primary key default gen_random_uuid(),
  -- Without a reference: the deletion of a webhook must neither delay nor fail the statement that moves a job.
  webhook_id uuid not null,
  job_key bigint not null references job (key) on delete cascade,
  event text not null check (event in ('job.started', 'job.ended', 'job.threshold')),
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  created_time timestamptz(3) not null,
  queued_time timestamptz(3) not null,
  next_time timestamptz(3) not null,
  attempts integer not null default 0,
  ended_time timestamptz(3),
  error text,
  response_status integer,
  response_text text,
  -- Each of these events happens to a job once.
  unique (job_key, webhook_id, event)
);
comment on table webhook_delivery is 'The outbox: an event of a job that a webhook gets, written by the statement that moves the job.';
comment on column webhook_delivery.queued_time is 'When it was created or, later, redelivered by a client. Attempts are repeated for a day from then on.';
comment on column webhook_delivery.next_time is 'When a pending delivery may be attempted next. During an attempt: when it is given up for dead.';

create index webhook_delivery_due on webhook_delivery (webhook_id, next_time) where status = 'pending';
create index webhook_delivery_listed on webhook_delivery (webhook_id, status, created_time, id);
