-- Limits of single jobs: calls and twin patches per minute, and calls under way at once. They hold over all instances, because
-- the room that they leave is computed and used under the lock on the job's row.
alter table job
  add column max_per_minute integer check (max_per_minute between 1 and 1000000),
  add column max_concurrent integer check (max_concurrent between 1 and 1000000),
  add column rate_paid_until timestamptz;
comment on column job.rate_paid_until is
  'With max_per_minute: each device moves it on by its part of a minute, and it may not pass the present. Null before the first.';
comment on column job.resumed_version is
  'The version of the job when it was resumed or its limits changed last: from then on its devices are looked for again. Null if neither happened.';

-- How many devices may be processed together, after a rest: those of a second, at least one.
create function rate_burst(max_per_minute integer) returns integer language sql immutable parallel safe
return greatest(max_per_minute / 60, 1);

-- The part of a minute that a device takes. Together with a burst, no minute has more than `max_per_minute` devices.
create function rate_interval(max_per_minute integer) returns interval language sql immutable parallel safe
return make_interval(secs => ceil(60000000.0 / (max_per_minute - rate_burst(max_per_minute) + 1)) / 1000000);

-- From when on unused time counts: not more than a burst is saved up.
create function rate_begin(max_per_minute integer, paid_until timestamptz, at timestamptz) returns timestamptz
language sql immutable parallel safe
return greatest(paid_until, at - rate_burst(max_per_minute) * rate_interval(max_per_minute));

-- For how many devices of a job there is room; null without limits.
create function job_room(
  max_per_minute integer, paid_until timestamptz, max_concurrent integer, under_way integer, at timestamptz
) returns integer language sql immutable parallel safe
return case when max_per_minute is not null or max_concurrent is not null then greatest(0, least(
  max_concurrent - under_way,
  floor(
    extract(epoch from at - rate_begin(max_per_minute, paid_until, at)) / extract(epoch from rate_interval(max_per_minute))
  )::integer
)) end;

drop function lock_open_jobs(text[], text[]);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys, versions and rooms at the places that the ids have, and null for the other jobs. A job without limits has
-- no room.
create function lock_open_jobs(ids text[], among text[], out keys bigint[], out versions integer[], out rooms integer[])
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open record;
begin
  keys := array_fill(null::bigint, array[cardinality(ids)]);
  versions := array_fill(null::integer, array[cardinality(ids)]);
  for open in
    select id, key, version, max_per_minute, rate_paid_until, max_concurrent, running_count from job
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
  end loop;
end $$;

drop function mark_calls(text[], integer[], text[], bigint[], text, timestamptz);

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were, those for which the limits of their jobs
-- leave no room, and when a rate leaves room for some of these; null if it already does.
create function mark_calls(
  ids text[], jobs integer[], devices text[], deadlines bigint[], sender text, sent timestamptz,
  out complete boolean, out marked_jobs integer[], out marked_devices text[],
  out held_jobs integer[], out held_devices text[], out wait_ms integer
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  rooms integer[];
  asked integer := cardinality(devices);
begin
  select locked.keys, locked.rooms into open_keys, rooms from lock_open_jobs(ids, array['running']) locked;
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
    if rooms is not null then
      -- Of the jobs with limits, those calls that can be marked, as far as there is room.
      with able as (
        select given.*, row_number() over (partition by given.job order by given.place) as turn
        from unnest(jobs, devices, deadlines) with ordinality as given (job, device, deadline, place)
        where open_keys[given.job] is not null
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
  end if;
  complete := coalesce(cardinality(marked_devices), 0) = asked;
  if complete then
    marked_jobs := null;
    marked_devices := null;
  end if;
end $$;

