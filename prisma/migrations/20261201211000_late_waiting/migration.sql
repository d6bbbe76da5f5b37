-- A threshold that was crossed while no device waited: there was nothing to stop. A device may wait later, because it joins, because
-- its call is repeated, or because its call turned out not to be sent. The rules act in that change, too, so that it is not called.

-- Applies the abort rules to the counters that a job is about to get. It is a trigger, so a job moves in the change of its
-- counters that crosses a threshold, under the lock of its row: no call can be marked in between. A rule that cancels comes
-- before one that pauses. A job without waiting devices goes on, because there is nothing to stop.
create or replace function apply_abort_rules() returns trigger
language plpgsql volatile
as $$
declare
  failed constant integer := new.failed_count - coalesce((new.judged_from ->> 'failed')::integer, 0);
  refused constant integer := new.refused_count - coalesce((new.judged_from ->> 'refused')::integer, 0);
  ended constant integer :=
    new.succeeded_count + new.failed_count - coalesce((new.judged_from ->> 'ended')::integer, 0);
  crossed record;
  words text;
  moment timestamptz;
begin
  select place - 1 as place, rule, matched into crossed
  from jsonb_array_elements(new.rollout -> 'abort') with ordinality as rules (rule, place)
  -- Time-outs are failures, so they count once where both are counted.
  cross join lateral (
    select coalesce(
      rule ->> 'errorCode', rule ->> 'responseStatus',
      case when rule -> 'on' ? 'timedOut' and not rule -> 'on' ? 'failed' then 'GatewayTimeout' end
    ) as key
  ) single
  cross join lateral (
    select case when rule -> 'on' ? 'failed' then failed else 0 end
           + case when rule -> 'on' ? 'refused' then refused else 0 end
           + coalesce((new.rule_counts ->> key)::integer, 0)
           - coalesce((new.judged_from -> 'counts' ->> key)::integer, 0) as matched
  ) counted
  where ended >= (rule ->> 'afterDevices')::integer
    and matched > 0
    and matched * 100.0 >= (rule ->> 'percent')::numeric * ended
  order by rule ->> 'action' = 'cancel' desc, place
  limit 1;
  if not found then
    return new;
  end if;

  -- What let devices wait again has a version of its own: that of an event, or of attempts.
  if old.pending_count = 0 then
    new.version := new.version + 1;
  end if;
  words := format(
    '%s of %s devices %s%s: at least %s %%. Calls in progress: %s.',
    crossed.matched, ended,
    case
      when crossed.rule ? 'errorCode' then 'failed with ' || (crossed.rule ->> 'errorCode')
      when crossed.rule ? 'responseStatus' then 'answered with status ' || (crossed.rule ->> 'responseStatus')
      else (
        select string_agg(case result when 'timedOut' then 'timed out' else result end, ' or ' order by place)
        from jsonb_array_elements_text(crossed.rule -> 'on') with ordinality as counted (result, place)
      )
    end,
    case when new.judged_from is null then '' else ' since the job was resumed' end,
    crossed.rule ->> 'percent', new.running_count
  );
  -- By the clock of the hub that wrote the outcomes.
  select ended_time into moment from device_job_outcome
  where job_key = new.key and version = new.version and version > 0
  limit 1;

  new.crossed_rule := crossed.place;
  if crossed.rule ->> 'action' = 'cancel' then
    new.status := 'cancelled';
    new.status_message := words;
    new.canceled_count := new.canceled_count + new.pending_count;
    new.pending_count := 0;
  else
    new.status := 'paused';
  end if;
  insert into job_event (job_key, version, time, type, status, cause, reason, crossing)
  values (
    new.key, new.version, coalesce(moment, clock_timestamp()), new.status, new.status, 'rule', words,
    jsonb_build_object(
      'rule', crossed.rule, 'matched', crossed.matched, 'ended', ended, 'underWay', new.running_count
    )
  );
  return new;
end $$;

drop trigger apply_abort_rules on job;
-- The condition is evaluated without a call of the function, so jobs without rules cost no more.
create trigger apply_abort_rules before update of failed_count, succeeded_count, pending_count on job
for each row
when (
  new.rollout ? 'abort' and old.status = 'running' and new.status = 'running' and new.pending_count > 0
  and (old.pending_count = 0 or old.failed_count <> new.failed_count or old.succeeded_count <> new.succeeded_count)
)
execute function apply_abort_rules();

drop trigger end_attempts on job;
-- A rule may cancel what begins to wait in the same change.
create trigger end_attempts before update of status, end_time, failed_count, succeeded_count, pending_count on job
for each row
when (
  (new.end_time is not null or new.status = 'cancelled') and old.end_time is null and old.status <> 'cancelled'
  and (old.pending_count > 0 or new.canceled_count > old.canceled_count) and new.rollout ? 'retry'
)
execute function end_attempts();

-- Of the ends of calls, whose jobs are locked, those that are not repeated remain. Those that the policy of their job repeats
-- are written as attempts: their devices wait again. What belongs to an earlier attempt is dropped. `attempts` may be null, or
-- have null for a first attempt. The versions of jobs with repeated calls become those that the jobs have then.
create or replace function repeat_calls(
  keys bigint[], ended timestamptz, attempts integer[],
  inout versions integer[], inout jobs integer[], inout devices text[], inout statuses integer[], inout payloads text[],
  inout codes text[], inout descriptions text[],
  out repeated_keys bigint[], out repeated_devices text[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  locked_keys constant bigint[] := keys;
begin
  with policy as materialized (
    select place::integer as job, job.rollout -> 'retry' as policy, job.deadline, job.status in ('running', 'paused') as is_open
    from unnest(locked_keys) with ordinality as locked (key, place)
    cross join lateral (select * from job where job.key = locked.key and rollout ? 'retry') job
  ), seen as (
    select given.*, policy.policy, policy.deadline as job_deadline, policy.is_open, mark.dispatched_time,
           case when policy.policy is not null then attempt_of(locked_keys[given.job], given.device) end as number
    from unnest(jobs, devices, statuses, payloads, codes, descriptions, attempts) with ordinality
      as given (job, device, status, payload, code, description, attempt, place)
    left join policy on policy.job = given.job
    left join lateral (
      select dispatched_time from device_job_dispatch
      where job_key = locked_keys[given.job] and device_id = given.device
      limit 1
    ) mark on policy.policy is not null
  ), current as (
    select distinct on (job, device) *, least(
        (policy ->> 'maxBackoffSeconds')::float8,
        (policy ->> 'backoffSeconds')::float8 * power((policy ->> 'factor')::float8, number - 1)
      ) * interval '1 second' as wait
    from seen
    where policy is null
      or (
        dispatched_time is not null and coalesce(attempt, 1) = number
        and (
          select true from device_job_outcome o
          where o.job_key = locked_keys[seen.job] and o.device_id = seen.device
        ) is null
      )
    order by job, device, place
  ), judged as materialized (
    select *, coalesce(
        is_open and policy -> 'on' ? coalesce(code, status::text) and number < (policy ->> 'maxAttempts')::integer
        and ended + wait < job_deadline, -- both by the clock of a hub
        false
      ) as is_repeated
    from current
  ), repeated as (
    insert into device_job_attempt (
      job_key, device_id, attempt, dispatched_time, ended_time, not_before,
      response_status, response_payload, error_code, error_description, version
    )
    select locked_keys[job], device, number, dispatched_time, ended, clock_timestamp() + wait,
           status, payload, code, description, versions[job] + 1
    from judged
    where is_repeated
  ), unmarked as (
    delete from device_job_dispatch mark
    using judged
    where is_repeated and mark.job_key = locked_keys[judged.job] and mark.device_id = judged.device
  )
  select array_agg(job order by place) filter (where not is_repeated),
         array_agg(device order by place) filter (where not is_repeated),
         array_agg(status order by place) filter (where not is_repeated),
         array_agg(payload order by place) filter (where not is_repeated),
         array_agg(code order by place) filter (where not is_repeated),
         array_agg(description order by place) filter (where not is_repeated),
         array_agg(locked_keys[job]) filter (where is_repeated), array_agg(device) filter (where is_repeated)
  into jobs, devices, statuses, payloads, codes, descriptions, repeated_keys, repeated_devices
  from judged;
  if repeated_keys is null then
    return;
  end if;
  -- The waves first: an abort rule may cancel the job, which changes their counters once more.
  update job_wave
  set running_count = job_wave.running_count - change.count
  from (
    select key, wave, count(*)::integer as count
    from (
      select key, (select wave from device_job target where target.job_key = key and target.device_id = device) as wave
      from unnest(repeated_keys, repeated_devices) as repeated (key, device)
    ) waved
    where wave is not null
    group by key, wave
  ) change
  where job_wave.job_key = change.key and job_wave.wave = change.wave;
  update job
  set running_count = running_count - change.count, pending_count = pending_count + change.count, version = version + 1
  from (select key, count(*)::integer as count from unnest(repeated_keys) as key group by key) change
  where job.key = change.key;
  versions := array(
    select case when key = any (repeated_keys) then (select job.version from job where job.key = locked.key) else version end
    from unnest(locked_keys, versions) with ordinality as locked (key, version, place)
    order by place
  );
end $$;
