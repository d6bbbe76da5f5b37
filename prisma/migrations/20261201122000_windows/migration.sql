-- Time windows: the calls of a job, or its twin updates, begin only at certain times of day. The hub computes these times, and the
-- clock of the database decides under the lock on the job's row, so that no call begins outside them on any instance.
alter table job add column has_window boolean not null default false;
comment on column job.has_window is 'Whether devices have their turn only while job_window says so.';

alter table device_job add column zone_key bigint;
comment on column device_job.zone_key is
  'With a window in the time zones of devices: a hash of the zone of the device. Null for the zone of the job.';

-- When devices may have their turn, in each time zone of an open job that has started: at `opens_time`, and before `closes_time`.
-- Whichever hub finds these times to be over replaces them by the next ones.
create table job_window (
  job_key      bigint not null,
  zone_key     bigint not null,
  time_zone    text,
  device_count integer not null,
  opens_time   timestamptz(3),
  closes_time  timestamptz(3),
  turn_time    timestamptz(3),
  primary key (job_key, zone_key),
  check (opens_time < closes_time),
  check ((opens_time is null) = (closes_time is null))
);
create index job_window_turn on job_window (turn_time);
comment on column job_window.zone_key is '0 for the devices whose device_job.zone_key is null.';
comment on column job_window.time_zone is 'Null for devices without a valid time zone: their window never opens.';
comment on column job_window.opens_time is 'When the window is opened next, or was opened.';
comment on column job_window.closes_time is 'From when on no call begins, because it would not have time to end in the window.';
comment on column job_window.turn_time is 'Which of the two times is the next. Then subscribers are notified, and instances look for devices.';

-- Windows exist as long as their job is open. Other jobs pay for the comparison only.
create function drop_job_windows() returns trigger language plpgsql volatile as $$
begin
  delete from job_window where job_key = new.key;
  return null;
end $$;
create trigger drop_job_windows after update of end_time on job
for each row
when (old.has_window and new.end_time is not null)
execute function drop_job_windows();

-- Of the calls that could be marked, those of jobs whose time window is open for the device. `keys` and `timed` have the places of
-- the jobs; calls of jobs without a window stay as they are.
create function within_windows(
  keys bigint[], timed boolean[], inout jobs integer[], inout devices text[], inout deadlines bigint[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
begin
  select array_agg(job order by place), array_agg(device order by place), array_agg(deadline order by place)
  into jobs, devices, deadlines
  from unnest(jobs, devices, deadlines) with ordinality as given (job, device, deadline, place)
  where timed[given.job] is null
    or exists (
      select from job_window
      where job_key = keys[given.job] and opens_time <= clock_timestamp() and clock_timestamp() < closes_time
        and zone_key = coalesce((
          select target.zone_key from device_job target
          where target.job_key = keys[given.job] and target.device_id = given.device
        ), 0)
    );
end $$;

drop function lock_open_jobs(text[], text[]);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys, versions, rooms, open waves and budgets at the places that the ids have, and null for the other jobs. A job
-- without limits has no room, one without waves no open wave, and one without a budget no budget. `timed` is true for jobs with a
-- time window, and null when there are none.
create function lock_open_jobs(
  ids text[], among text[], out keys bigint[], out versions integer[], out rooms integer[],
  out waves integer[], out budgets integer[], out timed boolean[]
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
    select id, key, version, max_per_minute, rate_paid_until, max_concurrent, running_count, open_wave, budget_max_concurrent,
           has_window
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
  end loop;
end $$;

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were, those for which the limits of their jobs leave no room (`held_…`), when
-- a rate leaves room for some of these (null if it already does), and those whose groups are full. Those whose time window is
-- closed are left out.
create or replace function mark_calls(
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
  timed boolean[];
  asked integer := cardinality(devices);
begin
  select locked.keys, locked.rooms, locked.waves, locked.budgets, locked.timed into open_keys, rooms, waves, budgets, timed
  from lock_open_jobs(ids, array['running']) locked;
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
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
