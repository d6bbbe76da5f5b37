-- Marks and outcomes are inserted without "on conflict do nothing", with which PostgreSQL looks for each row first, and adds a second
-- record for it to its log. That cost 1.5 to 2 µs for each mark and each outcome. A conflict is rare, and undoes the insertion
-- only, which is repeated without the facts that exist. The jobs are updated outside of the block that can be undone. Inside, their
-- locks would count as those of another transaction, and PostgreSQL would create a multixact for each batch.
create or replace function mark_calls(
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
  is_repeated boolean := false;
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
    loop
      begin
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
          returning job_key, device_id
        )
        select array_agg(array_position(open_keys, job_key)), array_agg(device_id)
        into marked_jobs, marked_devices
        from marked;
        exit;
      exception when unique_violation then
        -- Some have marks already, or are here twice. No further marks can come, because the jobs are locked.
        if is_repeated then
          raise;
        end if;
        is_repeated := true;
        select array_agg(job), array_agg(device), array_agg(deadline) into jobs, devices, deadlines
        from (
          select distinct on (job, device) * from unnest(jobs, devices, deadlines) as given (job, device, deadline)
          where (
            select true from device_job_dispatch mark
            where mark.job_key = open_keys[given.job] and mark.device_id = given.device
          ) is null
        ) without_mark;
      end;
    end loop;
    update job
    set pending_count = pending_count - change.count, running_count = running_count + change.count, version = version + 1
    from (
      select open_keys[place] as key, count(*)::integer as count from unnest(marked_jobs) as place group by place
    ) change
    where job.key = change.key;
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

create or replace function settle_device_jobs(
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
  changed_keys bigint[];
  counts integer[];
  failures integer[];
  refusals integer[];
  is_repeated boolean := false;
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
  loop
    begin
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
        returning job_key, error_code, response_status
      ), change as (
        select job_key, count(*)::integer as count, count(error_code)::integer as failed,
               count(*) filter (where error_code is null and response_status >= 400)::integer as refused
        from settled
        group by job_key
      )
      select array_agg(job_key), array_agg(count), array_agg(failed), array_agg(refused)
      into changed_keys, counts, failures, refusals
      from change;
      exit;
    exception when unique_violation then
      -- Some have outcomes already, or are here twice. No further outcomes can come, because the jobs are locked.
      if is_repeated then
        raise;
      end if;
      is_repeated := true;
      select array_agg(job order by place), array_agg(device order by place), array_agg(status order by place),
             array_agg(payload order by place), array_agg(code order by place), array_agg(description order by place)
      into jobs, devices, statuses, payloads, codes, descriptions
      from (
        select distinct on (job, device) *
        from unnest(jobs, devices, statuses, payloads, codes, descriptions) with ordinality
          as given (job, device, status, payload, code, description, place)
        where (
          select true from device_job_outcome o
          where o.job_key = open_keys[given.job] and o.device_id = given.device
        ) is null
        order by job, device, place
      ) without_outcome;
    end;
  end loop;
  return query
    update job
    set pending_count = pending_count - case when from_pending then change.count else 0 end,
        running_count = running_count - case when from_pending then 0 else change.count end,
        succeeded_count = succeeded_count + change.count - change.failed,
        failed_count = failed_count + change.failed,
        refused_count = refused_count + change.refused,
        version = version + 1
    from unnest(changed_keys, counts, failures, refusals) as change (job_key, count, failed, refused)
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
