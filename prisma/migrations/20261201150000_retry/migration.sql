-- Retry policies: a call that fails in a way that the policy of its job names is sent again, after a while. The device job then
-- has no outcome yet: what ended is an attempt, which is a fact of its own. Its mark is removed, and the next attempt has
-- another one, so there still is at most one call in progress and one outcome.
create table device_job_attempt (
  job_key bigint not null,
  device_id text collate "C" not null,
  attempt integer not null, -- from 1
  dispatched_time timestamptz(3) not null,
  ended_time timestamptz(3) not null,
  not_before timestamptz(3) not null, -- by the clock of the database
  response_status integer,
  response_payload text, -- the JSON as the device sent it
  error_code text,
  error_description text,
  version integer not null, -- of the job with it, as for outcomes
  primary key (job_key, device_id, attempt),
  check ((error_code is null) = (error_description is null))
);
comment on table device_job_attempt is
  'The attempts of device jobs that were repeated, or wait to be. The last attempt of a device job is its mark and its outcome.';
create index device_job_attempt_version on device_job_attempt (job_key, version, device_id);
create index device_job_attempt_time on device_job_attempt (job_key, not_before);

-- The number of the attempt of a device job that is in progress, or would be next.
create function attempt_of(key bigint, device text) returns integer language sql stable
return (select 1 + count(*)::integer from device_job_attempt where job_key = key and device_id = device);

-- Takes those calls out whose next attempt has to wait (`later_…`), and says for how long.
create function without_later_attempts(
  keys bigint[], inout jobs integer[], inout devices text[], inout deadlines bigint[],
  out later_jobs integer[], out later_devices text[], out later_ms bigint[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
begin
  with placed as (
    select given.*, ceil(1000 * extract(epoch from last.not_before - clock_timestamp()))::bigint as wait_ms
    from unnest(jobs, devices, deadlines) with ordinality as given (job, device, deadline, place)
    left join lateral (
      select not_before from device_job_attempt
      where job_key = keys[given.job] and device_id = given.device
      order by attempt desc
      limit 1
    ) last on true
  )
  select array_agg(job order by place) filter (where coalesce(wait_ms, 0) <= 0),
         array_agg(device order by place) filter (where coalesce(wait_ms, 0) <= 0),
         array_agg(deadline order by place) filter (where coalesce(wait_ms, 0) <= 0),
         array_agg(job order by place) filter (where wait_ms > 0),
         array_agg(device order by place) filter (where wait_ms > 0),
         array_agg(wait_ms order by place) filter (where wait_ms > 0)
  into jobs, devices, deadlines, later_jobs, later_devices, later_ms
  from placed;
end $$;

-- Of the ends of calls, whose jobs are locked, those that are not repeated remain. Those that the policy of their job repeats
-- are written as attempts: their devices wait again. What belongs to an earlier attempt is dropped. `attempts` may be null, or
-- have null for a first attempt. The versions of jobs with repeated calls become those that the jobs have then.
create function repeat_calls(
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
  update job
  set running_count = running_count - change.count, pending_count = pending_count + change.count, version = version + 1
  from (select key, count(*)::integer as count from unnest(repeated_keys) as key group by key) change
  where job.key = change.key;
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
  versions := array(
    select version + case when key = any (repeated_keys) then 1 else 0 end
    from unnest(locked_keys, versions) with ordinality as locked (key, version, place)
    order by place
  );
end $$;

-- When a job ends or is cancelled, the device jobs that wait for another attempt end as their last attempt did: it becomes the
-- mark and the outcome. So the devices were called, and no device job that was called counts as cancelled.
create function end_attempts() returns trigger
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  ended_count integer;
  failed integer;
  refused integer;
  -- Not a version of the batch that may have cancelled the job, nor the last version of the job, which no outcome has.
  at_version constant integer := new.version + 1;
begin
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

-- After the trigger that applies abort rules, which may cancel the job. The condition costs other jobs no call.
create trigger end_attempts before update of status, end_time, failed_count, succeeded_count on job
for each row
when (
  new.rollout ? 'retry'
  and (new.end_time is not null and old.end_time is null or new.status = 'cancelled' and old.status <> 'cancelled')
)
execute function end_attempts();

drop function lock_open_jobs(text[], text[]);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys, versions, rooms, open waves and budgets at the places that the ids have, and null for the other jobs. A job
-- without limits has no room, one without waves no open wave, and one without a budget no budget. `timed` is true for jobs with a
-- time window, and null when there are none. `repeats`: whether any of
-- the jobs has a retry policy.
create function lock_open_jobs(
  ids text[], among text[], out keys bigint[], out versions integer[], out rooms integer[],
  out waves integer[], out budgets integer[], out timed boolean[], out repeats boolean
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open record;
begin
  keys := array_fill(null::bigint, array[cardinality(ids)]);
  versions := array_fill(null::integer, array[cardinality(ids)]);
  repeats := false;
  for open in
    select id, key, version, max_per_minute, rate_paid_until, max_concurrent, running_count, open_wave, budget_max_concurrent,
           has_window,
           rollout ? 'retry' as repeats
    from job
    where id = any (ids) and end_time is null and (among is null or status = any (among))
    order by id
    for no key update
  loop
    keys[array_position(ids, open.id)] := open.key;
    versions[array_position(ids, open.id)] := open.version;
    if open.max_per_minute is not null or open.max_concurrent is not null then
      rooms := coalesce(rooms, array_fill(null::integer, array[cardinality(ids)]));
      rooms[array_position(ids, open.id)] := job_room(
        open.max_per_minute, open.rate_paid_until, open.max_concurrent, open.running_count, clock_timestamp()
      );
    end if;
    if open.open_wave is not null then
      waves := coalesce(waves, array_fill(null::integer, array[cardinality(ids)]));
      waves[array_position(ids, open.id)] := open.open_wave;
    end if;
    if open.budget_max_concurrent is not null then
      budgets := coalesce(budgets, array_fill(null::integer, array[cardinality(ids)]));
      budgets[array_position(ids, open.id)] := open.budget_max_concurrent;
    end if;
    if open.has_window then
      timed := coalesce(timed, array_fill(null::boolean, array[cardinality(ids)]));
      timed[array_position(ids, open.id)] := true;
    end if;
    repeats := repeats or coalesce(open.repeats, false);
  end loop;
end $$;

drop function mark_calls(text[], integer[], text[], bigint[], text, timestamptz);

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were, those for which the limits of their jobs leave no room (`held_…`), when
-- a rate leaves room for some of these (null if it already does), and those whose groups are full. Those whose time window is
-- closed are left out.
-- Of jobs with a retry policy, `attempts` are those of the marked calls, and `later_…` the calls whose next attempt has to wait.
create function mark_calls(
  ids text[], jobs integer[], devices text[], deadlines bigint[], sender text, sent timestamptz,
  out complete boolean, out marked_jobs integer[], out marked_devices text[],
  out held_jobs integer[], out held_devices text[], out wait_ms integer,
  out full_jobs integer[], out full_devices text[],
  out attempts integer[], out later_jobs integer[], out later_devices text[], out later_ms bigint[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  rooms integer[];
  waves integer[];
  budgets integer[];
  timed boolean[];
  repeats boolean;
  asked integer := cardinality(devices);
begin
  select locked.keys, locked.rooms, locked.waves, locked.budgets, locked.timed, locked.repeats into open_keys, rooms, waves, budgets, timed, repeats
  from lock_open_jobs(ids, array['running']) locked;
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
    if repeats then
      select due.jobs, due.devices, due.deadlines, due.later_jobs, due.later_devices, due.later_ms
      into jobs, devices, deadlines, later_jobs, later_devices, later_ms
      from without_later_attempts(open_keys, jobs, devices, deadlines) due;
    end if;
    if timed is not null then
      select fit.jobs, fit.devices, fit.deadlines into jobs, devices, deadlines
      from within_windows(open_keys, timed, jobs, devices, deadlines) fit;
    end if;
    if budgets is not null then
      select fit.jobs, fit.devices, fit.deadlines, fit.full_jobs, fit.full_devices
      into jobs, devices, deadlines, full_jobs, full_devices
      from within_budgets(open_keys, budgets, waves, sender, jobs, devices, deadlines) fit;
    end if;
    if rooms is not null or waves is not null then
      -- Of the jobs with waves, the calls of open ones. Of the jobs with limits, those calls that can be marked, as far as there
      -- is room.
      with able as (
        select given.*, row_number() over (partition by given.job order by given.place) as turn
        from unnest(jobs, devices, deadlines) with ordinality as given (job, device, deadline, place)
        where open_keys[given.job] is not null
          and (
            waves[given.job] is null
            or (
              select wave from device_job target
              where target.job_key = open_keys[given.job] and target.device_id = given.device
            ) <= waves[given.job]
          )
          and (
            rooms[given.job] is null
            or (
              select true from device_job_dispatch mark
              where mark.job_key = open_keys[given.job] and mark.device_id = given.device
            ) is null
            and (
              select true from device_job_outcome o
              where o.job_key = open_keys[given.job] and o.device_id = given.device
            ) is null
            and (
              not exists (select from instance where id <> sender)
              or (select instance_id = sender from device where device.id = given.device)
            )
          )
      ), fitting as (
        select *, coalesce(turn <= rooms[job], true) as fits from able
      ), paid as (
        update job
        set rate_paid_until = rate_begin(max_per_minute, rate_paid_until, clock_timestamp())
              + used.count * rate_interval(max_per_minute)
        from (
          select open_keys[job] as key, count(*)::integer as count from fitting where fits and rooms[job] is not null group by job
        ) used
        where job.key = used.key and max_per_minute is not null
      )
      select array_agg(job order by place) filter (where fits), array_agg(device order by place) filter (where fits),
             array_agg(deadline order by place) filter (where fits),
             array_agg(job order by place) filter (where not fits), array_agg(device order by place) filter (where not fits)
      into jobs, devices, deadlines, held_jobs, held_devices
      from fitting;
      select ceil(1000 * extract(epoch from min(due)))::integer into wait_ms
      from (
        select rate_begin(max_per_minute, rate_paid_until, clock_timestamp())
                 + least(rate_burst(max_per_minute), held.count) * rate_interval(max_per_minute) - clock_timestamp() as due
        from job
        join (
          select open_keys[place] as key, count(*)::integer as count from unnest(held_jobs) as place group by place
        ) held on held.key = job.key
        where max_per_minute is not null
      ) rated
      where due > interval '0';
    end if;
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
    if repeats then
      attempts := array(
        select attempt_of(open_keys[job], device)
        from unnest(marked_jobs, marked_devices) with ordinality as marked (job, device, place)
        order by place
      );
    end if;
    if budgets is not null then
      perform from (
        select array_agg(open_keys[job]) as keys, array_agg(device) as devices
        from unnest(marked_jobs, marked_devices) as marked (job, device)
        where budgets[job] is not null
      ) marked cross join lateral count_in_groups(marked.keys, marked.devices, 1);
    end if;
    if waves is not null then
      update job_wave
      set running_count = running_count + change.count
      from (
        select job_key, wave, count(*)::integer as count
        from (
          select open_keys[given.job] as job_key, (
            select wave from device_job target
            where target.job_key = open_keys[given.job] and target.device_id = given.device
          ) as wave
          from unnest(marked_jobs, marked_devices) as given (job, device)
          where waves[given.job] is not null
        ) marked
        group by job_key, wave
      ) change
      where job_wave.job_key = change.job_key and job_wave.wave = change.wave;
    end if;
  end if;
  complete := coalesce(cardinality(marked_devices), 0) = asked and attempts is null;
  if complete then
    marked_jobs := null;
    marked_devices := null;
  end if;
end $$;

drop function settle_device_jobs(text[], integer[], text[], integer[], text[], text[], text[], boolean, timestamptz);

-- Writes outcomes of device jobs that were under way or, with `from_pending`, that were waiting. Returns the jobs that it
-- changed, the number of their open device jobs, and whether they have waves; then, for jobs with a budget, the groups that have
-- more room now.
-- Calls that the retry policy of their job repeats get no outcome; then there is a row with them (`repeated`) before the row of the
-- outcomes, if any. `attempts`: of the calls, those that are not the first; may be null.
create function settle_device_jobs(
  ids text[], jobs integer[], devices text[], statuses integer[], payloads text[], codes text[], descriptions text[],
  attempts integer[], from_pending boolean, ended timestamptz
) returns table (changed_id text, open_count integer, has_waves boolean, freed_groups bigint[], repeated text[])
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  open_versions integer[];
  waves integer[];
  budgets integer[];
  repeats boolean;
  repeated_keys bigint[];
  repeated_devices text[];
begin
  -- Nothing waits in a cancelled job. Devices that are deleted while they wait in a paused job end there.
  select locked.keys, locked.versions, locked.waves, locked.budgets, locked.repeats
  into open_keys, open_versions, waves, budgets, repeats
  from lock_open_jobs(ids, case when from_pending then array['running', 'paused'] end) locked;
  if repeats and not from_pending then
    select r.versions, r.jobs, r.devices, r.statuses, r.payloads, r.codes, r.descriptions, r.repeated_keys, r.repeated_devices
    into open_versions, jobs, devices, statuses, payloads, codes, descriptions, repeated_keys, repeated_devices
    from repeat_calls(
      open_keys, ended, attempts, open_versions, jobs, devices, statuses, payloads, codes, descriptions
    ) r;
    return query
      with again as (
        select key, array_agg(device) as devices from unnest(repeated_keys, repeated_devices) as r (key, device) group by key
      ), freed as (
        select counted_job, array_agg(counted_group) as groups
        from count_in_groups(repeated_keys, repeated_devices, -1)
        group by counted_job
      )
      select job.id, pending_count + running_count, open_wave is not null, freed.groups, again.devices
      from again
      join job on job.key = again.key
      left join freed on freed.counted_job = again.key;
  end if;
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
    returning job.id, pending_count + running_count, open_wave is not null, null::bigint[], null::text[];
  if waves is not null then
    -- The outcomes just written, by the versions that they were given.
    update job_wave
    set running_count = job_wave.running_count - case when from_pending then 0 else change.count end,
        succeeded_count = job_wave.succeeded_count + change.count - change.failed,
        refused_count = job_wave.refused_count + change.refused,
        failed_count = job_wave.failed_count + change.failed
    from (
      select ended.job_key, ended.wave, count(*)::integer as count, count(error_code)::integer as failed,
             count(*) filter (where error_code is null and response_status >= 400)::integer as refused
      from (
        select o.job_key, o.error_code, o.response_status, (
          select wave from device_job target where target.job_key = o.job_key and target.device_id = o.device_id
        ) as wave
        from unnest(open_keys, open_versions, waves) as open (key, version, wave)
        join device_job_outcome o on o.job_key = open.key and o.version = open.version + 1 and o.version > 0
        where open.wave is not null
      ) ended
      group by ended.job_key, ended.wave
    ) change
    where job_wave.job_key = change.job_key and job_wave.wave = change.wave;
  end if;
  if budgets is not null and not from_pending then
    return query
      -- The outcomes that were just written have the version that their job has now.
      select ids[array_position(open_keys, counted_job)], null::integer, null::boolean, array_agg(counted_group),
             null::text[]
      from (
        select array_agg(o.job_key) as keys, array_agg(o.device_id) as devices
        from unnest(open_keys, open_versions, budgets) as locked (key, version, budget)
        join device_job_outcome o on o.job_key = locked.key and o.version = locked.version + 1 and o.version > 0
        where locked.budget is not null
      ) settled
      cross join lateral count_in_groups(settled.keys, settled.devices, -1)
      group by counted_job;
  end if;
end $$;
