-- Devices that answered a call with a status of 400 or more. IoT Hub counts them as succeeded, because the method ran.
alter table job add column refused_count integer not null default 0;
comment on column job.refused_count is 'Of succeeded_count, the devices that answered with a status of 400 or more.';

update job
set refused_count = refused.count
from (
  select job_key, count(*)::integer as count
  from device_job_outcome
  where error_code is null and response_status >= 400
  group by job_key
) refused
where job.key = refused.job_key;

alter table job add constraint job_refused check (refused_count between 0 and succeeded_count);

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
  -- Nothing waits in a cancelled job.
  select keys, versions into open_keys, open_versions from lock_open_jobs(ids, from_pending);
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
