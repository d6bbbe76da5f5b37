-- The end of a job with a retry policy has to be short, because it locks the job, and statements have a time limit. So device jobs
-- that wait for another attempt end as their last attempt did only in jobs with at most 5,000 attempts that were repeated. In others
-- they end like all that wait. When nothing waits, nothing is looked for. What a job left waiting after it was cancelled is cancelled
-- already, such as a call that turned out not to be sent: its end changes that no more.
create or replace function end_attempts() returns trigger
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  ended_count integer;
  failed integer;
  refused integer;
  most constant integer := 5000;
  -- Not a version of the batch that may have cancelled the job, nor the last version of the job, which no outcome has.
  at_version constant integer := new.version + 1;
begin
  -- The end of a job is one short statement, whatever has happened in it.
  if (select count(*) from (select from device_job_attempt where job_key = new.key limit most + 1) attempts) > most then
    return new;
  end if;
  with last as (
    delete from device_job_attempt attempt
    where attempt.job_key = new.key
      and (
        select true from device_job_dispatch mark
        where mark.job_key = attempt.job_key and mark.device_id = attempt.device_id
      ) is null
      and (
        select true from device_job_outcome o where o.job_key = attempt.job_key and o.device_id = attempt.device_id
      ) is null
      and (
        select true from device_job_attempt later
        where later.job_key = attempt.job_key and later.device_id = attempt.device_id
          and later.attempt = attempt.attempt + 1
      ) is null
    returning *
  ), marked as (
    insert into device_job_dispatch (job_key, device_id, dispatched_time, deadline)
    select job_key, device_id, dispatched_time, ended_time from last
  ), settled as (
    insert into device_job_outcome (
      job_key, device_id, ended_time, response_status, response_payload, error_code, error_description, version
    )
    select job_key, device_id, ended_time, response_status, response_payload, error_code, error_description, at_version
    from last
  )
  select count(*), count(error_code), count(*) filter (where error_code is null)
  into ended_count, failed, refused
  from last;
  if ended_count = 0 then
    return new;
  end if;

  -- The change of the job has counted them as waiting ones.
  if new.status = 'cancelled' and old.status <> 'cancelled' then
    new.canceled_count := new.canceled_count - ended_count;
  else
    new.failed_count := new.failed_count - ended_count;
  end if;
  new.failed_count := new.failed_count + failed;
  new.succeeded_count := new.succeeded_count + refused;
  new.refused_count := new.refused_count + refused;
  new.version := at_version + 1;
  update job_wave
  set succeeded_count = job_wave.succeeded_count + change.refused,
      refused_count = job_wave.refused_count + change.refused,
      failed_count = job_wave.failed_count + change.failed
  from (
    select wave, count(error_code)::integer as failed, count(*) filter (where error_code is null)::integer as refused
    from (
      select error_code, (
        select wave from device_job target where target.job_key = o.job_key and target.device_id = o.device_id
      ) as wave
      from device_job_outcome o
      where o.job_key = new.key and o.version = at_version and o.version > 0
    ) waved
    where wave is not null
    group by wave
  ) change
  where job_wave.job_key = new.key and job_wave.wave = change.wave;
  return new;
end $$;

drop trigger end_attempts on job;
create trigger end_attempts before update of status, end_time, failed_count, succeeded_count on job
for each row
when (
  (new.end_time is not null or new.status = 'cancelled')
  and old.end_time is null and old.status <> 'cancelled' and old.pending_count > 0 and new.rollout ? 'retry'
)
execute function end_attempts();
