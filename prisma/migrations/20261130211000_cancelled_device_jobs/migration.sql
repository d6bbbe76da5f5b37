-- Device jobs that a client cancels while their job goes on. Each gets an outcome, as one that was answered does, so whatever
-- looks for an outcome skips it. Its error code is one that no failure has: a column of its own would make every outcome larger.
alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'queued', 'started', 'paused', 'resumed', 'updated', 'devicesCancelled', 'completed',
    'failed', 'cancelled', 'ended'
  )
);
alter table job_event add column cancellation jsonb;
comment on column job_event.cancellation is
  'Which device jobs a client has cancelled, their number, and the calls that were under way. Null for other events.';

-- Cancels those of the devices that wait in a job that has started and not ended, and writes its history. Returns their number,
-- that of the calls to these devices that are under way, and that of all open device jobs; nulls for another job. At most 1,000
-- outcomes have the same version, because readers sort the outcomes of one version.
create function cancel_device_jobs(
  job_id text, devices text[], moment timestamptz, by_actor text, by_actor_id text, why text, selection jsonb,
  out cancelled_count integer, out under_way_count integer, out open_count integer
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open record;
  last_version integer;
begin
  select key, version, status, pending_count + running_count as count into open from job
  where id = job_id and end_time is null and status in ('running', 'paused') and started_time is not null
  for no key update;
  if not found then
    return;
  end if;
  -- With the facts as they are now that the job is locked.
  with fact as materialized (
    select device,
           (
             select true from device_job_dispatch mark where mark.job_key = open.key and mark.device_id = device
           ) is not null as called,
           (select true from device_job_outcome o where o.job_key = open.key and o.device_id = device) is not null as ended
    from unnest(devices) as given (device)
  ), cancelled as (
    insert into device_job_outcome (job_key, device_id, ended_time, error_code, error_description, version)
    select open.key, device, moment, 'Canceled', '',
           open.version + 1 + ((row_number() over (order by device) - 1) / 1000)::integer
    from fact
    where not called and not ended
    returning version
  )
  select (select count(*) from cancelled), (select max(version) from cancelled),
         (select count(*) from fact where called and not ended)
  into cancelled_count, last_version, under_way_count;
  open_count := open.count - cancelled_count;
  if cancelled_count = 0 then
    return;
  end if;
  update job
  set pending_count = pending_count - cancelled_count, canceled_count = canceled_count + cancelled_count,
      version = last_version
  where key = open.key;
  insert into job_event (job_key, version, time, type, status, cause, actor, actor_id, reason, cancellation)
  values (
    open.key, last_version, moment, 'devicesCancelled', open.status, 'user', by_actor, by_actor_id, why,
    selection || jsonb_build_object('cancelled', cancelled_count, 'underWay', under_way_count)
  );
end $$;
