-- Webhooks for pauses. A job may be paused many times, so the version of the job identifies each of them.
alter table webhook_delivery add column job_version integer not null default 0;
comment on column webhook_delivery.job_version is
  'For events that a job can have several times: its version then, as in job_event. 0 for the others.';
alter table webhook_delivery drop constraint webhook_delivery_event_check;
alter table webhook_delivery add constraint webhook_delivery_event_check
  check (event in ('job.started', 'job.threshold', 'job.paused', 'job.resumed', 'job.ended'));
alter table webhook_delivery drop constraint webhook_delivery_job_key_webhook_id_event_key;
alter table webhook_delivery add unique (job_key, webhook_id, event, job_version);

-- The outbox of pauses and resumptions. Whatever pauses a job writes that into its history, so this is in the statement of
-- the pause, and no pause can be without it.
create function queue_pause() returns trigger
language plpgsql volatile
as $$
begin
  insert into webhook_delivery (webhook_id, job_key, job_version, event, created_time, queued_time, next_time)
  select id, new.job_key, new.version, 'job.' || new.type, new.time, new.time, new.time
  from webhook
  where enabled and 'job.' || new.type = any (events);
  return null;
end $$;

create trigger queue_pause after insert on job_event
for each row
when (new.type in ('paused', 'resumed'))
execute function queue_pause();
