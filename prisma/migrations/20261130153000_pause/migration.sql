-- Pausing and resuming jobs. A paused job is in no statement that sends calls or patches twins, because those concern running
-- jobs. One that was paused before it started has no start.
alter table job drop constraint job_status_check;
alter table job add constraint job_status_check
  check (status in ('queued', 'scheduled', 'running', 'paused', 'completed', 'failed', 'cancelled'));
alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check
  check (type in ('scheduled', 'queued', 'started', 'paused', 'resumed', 'completed', 'failed', 'cancelled', 'ended'));

alter table job add column resumed_version integer;
comment on column job.resumed_version is
  'The version of the job when it was resumed last: from then on its devices are looked for again. Null if it never was.';

drop function lock_open_jobs(text[], boolean);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys and versions at the places that the ids have, and null for the other jobs.
create function lock_open_jobs(ids text[], among text[], out keys bigint[], out versions integer[])
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open record;
begin
  keys := array_fill(null::bigint, array[cardinality(ids)]);
  versions := array_fill(null::integer, array[cardinality(ids)]);
  for open in
    select id, key, version from job
    where id = any (ids) and end_time is null and (among is null or status = any (among))
    order by id
    for no key update
  loop
    keys[array_position(ids, open.id)] := open.key;
    versions[array_position(ids, open.id)] := open.version;
  end loop;
end $$;

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were.
create or replace function mark_calls(
  ids text[], jobs integer[], devices text[], deadlines bigint[], sender text, sent timestamptz,
  out complete boolean, out marked_jobs integer[], out marked_devices text[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
begin
  select keys into open_keys from lock_open_jobs(ids, array['running']);
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
    with marked as (
      insert into device_job_dispatch (job_key, device_id, dispatched_time, deadline)
      select open_keys[given.job], given.device, sent, to_timestamp(given.deadline / 1000.0)
      from unnest(jobs, devices, deadlines) as given (job, device, deadline)
      where open_keys[given.job] is not null
        and (
          select true from device_job_outcome o
          where o.job_key = open_keys[given.job] and o.device_id = given.device
        ) is null
        -- Where there is no other instance, the device is not looked up.
        and (
          not exists (select from instance where id <> sender)
          or (select instance_id = sender from device where device.id = given.device)
        )
      on conflict do nothing
      returning job_key, device_id
    ), change as (
      select job_key, count(*)::integer as count from marked group by job_key
    ), counted as (
      update job
      set pending_count = pending_count - change.count, running_count = running_count + change.count,
          version = version + 1
      from change
      where job.key = change.job_key
    )
    select array_agg(array_position(open_keys, job_key)), array_agg(device_id)
    into marked_jobs, marked_devices
    from marked;
  end if;
  complete := coalesce(cardinality(marked_devices), 0) = cardinality(devices);
  if complete then
    marked_jobs := null;
    marked_devices := null;
  end if;
end $$;

-- Writes outcomes of device jobs that were under way or, with `from_pending`, that were waiting. Returns the jobs that it
-- changed and the number of their open device jobs.
create or replace function settle_device_jobs(
  ids text[], jobs integer[], devices text[], statuses integer[], payloads text[], codes text[], descriptions text[],
  from_pending boolean, ended timestamptz
) returns table (changed_id text, open_count integer)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  open_versions integer[];
begin
  -- Nothing waits in a cancelled job. Devices that are deleted while they wait in a paused job end there.
  select keys, versions into open_keys, open_versions from lock_open_jobs(
    ids, case when from_pending then array['running', 'paused'] end
  );
  return query
    with settled as (
      insert into device_job_outcome (
        job_key, device_id, ended_time, response_status, response_payload, error_code, error_description, version
      )
      select open_keys[given.job], given.device, ended, given.status, given.payload, given.code, given.description,
             open_versions[given.job] + 1
      from unnest(jobs, devices, statuses, payloads, codes, descriptions)
        as given (job, device, status, payload, code, description)
      where open_keys[given.job] is not null
        and (
          not from_pending
          or (
            select true from device_job_dispatch mark
            where mark.job_key = open_keys[given.job] and mark.device_id = given.device
          ) is null
        )
      on conflict do nothing
      returning job_key, error_code, response_status
    ), change as (
      select job_key, count(*)::integer as count, count(error_code)::integer as failed,
             count(*) filter (where error_code is null and response_status >= 400)::integer as refused
      from settled
      group by job_key
    )
    update job
    set pending_count = pending_count - case when from_pending then change.count else 0 end,
        running_count = running_count - case when from_pending then 0 else change.count end,
        succeeded_count = succeeded_count + change.count - change.failed,
        failed_count = failed_count + change.failed,
        refused_count = refused_count + change.refused,
        version = version + 1
    from change
    where job.key = change.job_key
    returning job.id, pending_count + running_count;
end $$;
