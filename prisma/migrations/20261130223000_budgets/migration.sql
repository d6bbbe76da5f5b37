-- Budgets of jobs: of the devices with the same value at a path, their group, a maximum has calls in progress at a time. It holds at
-- every instant over all instances, because the room in a group is computed and used under the lock on the job's row, and
-- every fact that changes it is written under that lock. So the rows of groups need no locks of their own.
alter table job
  add column budget_group_by text,
  add column budget_max_concurrent integer check (budget_max_concurrent between 1 and 1000000),
  add constraint job_budget check ((budget_group_by is null) = (budget_max_concurrent is null));
comment on column job.budget_group_by is
  'The path by whose value the devices of the job are grouped when it starts. Null without a budget.';
comment on column job.budget_max_concurrent is 'Calls in progress at a time in each group.';

alter table device_job add column group_key bigint;
comment on column device_job.group_key is
  'With a budget: a hash of the value at its path. Two values with the same hash share a budget, which therefore still holds.';

-- The groups of open jobs with a budget. `running_count` is the number of marks without an outcome.
create table budget_group (
  job_key       bigint not null,
  group_key     bigint not null,
  device_count  integer not null,
  running_count integer not null default 0 check (running_count between 0 and device_count),
  primary key (job_key, group_key)
) with (fillfactor = 50); -- counters change with every call: updates stay on the page

-- Groups exist as long as their job is open and has a budget. Jobs without one pay for the comparison only.
create function drop_budget_groups() returns trigger language plpgsql volatile as $$
begin
  delete from budget_group where job_key = new.key;
  return null;
end $$;
create trigger drop_budget_groups after update of end_time, budget_max_concurrent on job
for each row
when (old.budget_max_concurrent is not null and (new.end_time is not null or new.budget_max_concurrent is null))
execute function drop_budget_groups();

-- Changes the counters of the groups by `change` for each of these device jobs, whose jobs must be locked. Returns the changed
-- groups.
create function count_in_groups(keys bigint[], devices text[], change integer)
returns table (counted_job bigint, counted_group bigint)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
begin
  return query
    update budget_group
    set running_count = budget_group.running_count + change * counted.count
    from (
      select target.job_key, target.group_key, count(*)::integer as count
      from unnest(keys, devices) as given (job_key, device)
      -- One lookup each: PostgreSQL would read all device jobs for a join.
      cross join lateral (
        select job_key, group_key from device_job
        where device_job.job_key = given.job_key and device_id = given.device
        limit 1
      ) target
      group by target.job_key, target.group_key
    ) counted
    where budget_group.job_key = counted.job_key and budget_group.group_key = counted.group_key
    returning budget_group.job_key, budget_group.group_key;
end $$;

-- Of the calls that could be marked, those for which the budgets of their jobs leave room, and those (`full_…`) of groups
-- with as many calls in progress as they may have. `keys`, `budgets` and `waves` have the places of the jobs; calls of jobs
-- without a budget stay as they are, and those of waves that are not open are left out.
create function within_budgets(
  keys bigint[], budgets integer[], waves integer[], sender text,
  inout jobs integer[], inout devices text[], inout deadlines bigint[],
  out full_jobs integer[], out full_devices text[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
begin
  with able as (
    select given.*, target.group_key
    from unnest(jobs, devices, deadlines) with ordinality as given (job, device, deadline, place)
    left join lateral (
      select group_key, wave from device_job
      where job_key = keys[given.job] and device_id = given.device
      limit 1
    ) target on budgets[given.job] is not null
    where budgets[given.job] is null
      or (
        (waves[given.job] is null or target.wave <= waves[given.job])
        and (
          select true from device_job_dispatch mark
          where mark.job_key = keys[given.job] and mark.device_id = given.device
        ) is null
        and (
          select true from device_job_outcome o
          where o.job_key = keys[given.job] and o.device_id = given.device
        ) is null
        and (
          not exists (select from instance where id <> sender)
          or (select instance_id = sender from device where device.id = given.device)
        )
      )
  ), placed as (
    select *, row_number() over (partition by job, group_key order by place) as turn from able
  ), fitting as (
    select *,
      budgets[job] is null
      or turn <= budgets[job] - (
        select running_count from budget_group
        where budget_group.job_key = keys[job] and budget_group.group_key = placed.group_key
      ) as fits
    from placed
  )
  select array_agg(job order by place) filter (where fits), array_agg(device order by place) filter (where fits),
         array_agg(deadline order by place) filter (where fits),
         array_agg(job order by place) filter (where not fits), array_agg(device order by place) filter (where not fits)
  into jobs, devices, deadlines, full_jobs, full_devices
  from fitting;
end $$;

drop function lock_open_jobs(text[], text[]);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys, versions, rooms, open waves and budgets at the places that the ids have, and null for the other jobs. A job
-- without limits has no room, one without waves no open wave, and one without a budget no budget.
create function lock_open_jobs(
  ids text[], among text[], out keys bigint[], out versions integer[], out rooms integer[],
  out waves integer[], out budgets integer[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open record;
begin
  keys := array_fill(null::bigint, array[cardinality(ids)]);
  versions := array_fill(null::integer, array[cardinality(ids)]);
  for open in
    select id, key, version, max_per_minute, rate_paid_until, max_concurrent, running_count, open_wave, budget_max_concurrent
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
  end loop;
end $$;

drop function mark_calls(text[], integer[], text[], bigint[], text, timestamptz);

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were, those for which the limits of their jobs leave no room (`held_…`), when
-- a rate leaves room for some of these (null if it already does), and those whose groups are full.
create function mark_calls(
  ids text[], jobs integer[], devices text[], deadlines bigint[], sender text, sent timestamptz,
  out complete boolean, out marked_jobs integer[], out marked_devices text[],
  out held_jobs integer[], out held_devices text[], out wait_ms integer,
  out full_jobs integer[], out full_devices text[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  rooms integer[];
  waves integer[];
  budgets integer[];
  asked integer := cardinality(devices);
begin
  select locked.keys, locked.rooms, locked.waves, locked.budgets into open_keys, rooms, waves, budgets
  from lock_open_jobs(ids, array['running']) locked;
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
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
  complete := coalesce(cardinality(marked_devices), 0) = asked;
  if complete then
    marked_jobs := null;
    marked_devices := null;
  end if;
end $$;

drop function settle_device_jobs(text[], integer[], text[], integer[], text[], text[], text[], boolean, timestamptz);

-- Writes outcomes of device jobs that were under way or, with `from_pending`, that were waiting. Returns the jobs that it
-- changed, the number of their open device jobs, and whether they have waves; then, for jobs with a budget, the groups that have
-- more room now.
create function settle_device_jobs(
  ids text[], jobs integer[], devices text[], statuses integer[], payloads text[], codes text[], descriptions text[],
  from_pending boolean, ended timestamptz
) returns table (changed_id text, open_count integer, has_waves boolean, freed_groups bigint[])
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  open_versions integer[];
  waves integer[];
  budgets integer[];
begin
  -- Nothing waits in a cancelled job. Devices that are deleted while they wait in a paused job end there.
  select locked.keys, locked.versions, locked.waves, locked.budgets into open_keys, open_versions, waves, budgets
  from lock_open_jobs(ids, case when from_pending then array['running', 'paused'] end) locked;
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
    returning job.id, pending_count + running_count, open_wave is not null, null::bigint[];
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
      select ids[array_position(open_keys, counted_job)], null::integer, null::boolean, array_agg(counted_group)
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
