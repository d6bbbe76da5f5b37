-- Waves: the devices of a job have their turn wave by wave.
alter table job add column open_wave integer;
comment on column job.open_wave is
  'The number, from 1, of the last wave that is open: only devices of this wave and those before it are called or updated. Null without waves.';

-- Null without waves: then it takes no room in the row.
alter table device_job add column wave integer;
create index device_job_wave on device_job (job_key, wave, device_id) where wave is not null;

create table job_wave (
  job_key bigint not null references job (key) on delete cascade,
  wave integer not null,
  device_count integer not null,
  running_count integer not null default 0 check (running_count >= 0),
  succeeded_count integer not null default 0,
  refused_count integer not null default 0 check (refused_count between 0 and succeeded_count),
  failed_count integer not null default 0,
  cancelled_count integer not null default 0,
  opened_time timestamptz(3),
  reached_time timestamptz(3),
  approval_time timestamptz(3),
  failed_time timestamptz(3),
  closed_time timestamptz(3),
  primary key (job_key, wave),
  constraint job_wave_counts check (
    running_count + succeeded_count + failed_count + cancelled_count <= device_count
  )
) with (fillfactor = 50);
comment on table job_wave is
  'The waves of a job that has started. The counters change in the statements that change those of the job; what the end or the cancellation of the job does to open device jobs is not counted.';
comment on column job_wave.reached_time is 'When the share of the gate was reached: then the soak begins.';
comment on column job_wave.approval_time is 'From when on the opening of the next wave waits for an approval only.';
comment on column job_wave.failed_time is 'When the gate failed.';
comment on column job_wave.closed_time is 'When the next wave was opened.';

alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'queued', 'started', 'waveOpened', 'gatePassed', 'paused', 'resumed', 'updated',
    'devicesCancelled', 'completed', 'failed', 'cancelled', 'ended'
  )
);
alter table job_event drop constraint job_event_cause_check;
alter table job_event add constraint job_event_cause_check
  check (cause in ('user', 'schedule', 'devices', 'deadline', 'hub', 'rule', 'gate'));
alter table job_event add column wave integer;
comment on column job_event.wave is 'The wave that was opened, or whose gate passed or failed. Null for other events.';

drop function lock_open_jobs(text[], text[]);

-- Locks those of the jobs that have not ended (with `among` those with one of these statuses), in the order of their ids.
-- Returns their keys, versions, rooms and open waves at the places that the ids have, and null for the other jobs. A job without
-- limits has no room, and one without waves no open wave.
create function lock_open_jobs(
  ids text[], among text[], out keys bigint[], out versions integer[], out rooms integer[],
  out waves integer[]
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
    select id, key, version, max_per_minute, rate_paid_until, max_concurrent, running_count, open_wave from job
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
  end loop;
end $$;

-- Marks calls. `jobs` has for each call the place of its job in `ids`; a deadline is in milliseconds since 1970 UTC. Returns
-- whether all were marked, and otherwise those that were, those for which the limits of their jobs
-- leave no room, and when a rate leaves room for some of these; null if it already does.
create or replace function mark_calls(
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
  waves integer[];
  asked integer := cardinality(devices);
begin
  select locked.keys, locked.rooms, locked.waves into open_keys, rooms, waves from lock_open_jobs(ids, array['running']) locked;
  -- Until the commit: an instance that declares this one dead waits for this lock, and finds all of its marks then. By the
  -- time that it is now, because the statement may have waited for the jobs.
  perform from instance where id = sender and lease_until > clock_timestamp() for key share;
  if found then
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
-- changed, the number of their open device jobs, and whether they have waves.
create function settle_device_jobs(
  ids text[], jobs integer[], devices text[], statuses integer[], payloads text[], codes text[], descriptions text[],
  from_pending boolean, ended timestamptz
) returns table (changed_id text, open_count integer, has_waves boolean)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
  open_keys bigint[];
  open_versions integer[];
  waves integer[];
begin
  -- Nothing waits in a cancelled job. Devices that are deleted while they wait in a paused job end there.
  select locked.keys, locked.versions, locked.waves into open_keys, open_versions, waves from lock_open_jobs(
    ids, case when from_pending then array['running', 'paused'] end
  ) locked;
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
    returning job.id, pending_count + running_count, open_wave is not null;
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
end $$;

-- Cancels those of the devices that wait in a job that has started and not ended, and writes its history. Returns their number,
-- that of the calls to these devices that are under way, and that of all open device jobs; nulls for another job. At most 1,000
-- outcomes have the same version, because readers sort the outcomes of one version.
create or replace function cancel_device_jobs(
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
  select key, version, status, pending_count + running_count as count, open_wave into open from job
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
  if open.open_wave is not null then
    update job_wave
    set cancelled_count = job_wave.cancelled_count + change.count
    from (
      select ended.wave, count(*)::integer as count
      from (
        select (
          select wave from device_job target where target.job_key = o.job_key and target.device_id = o.device_id
        ) as wave
        from device_job_outcome o
        where o.job_key = open.key and o.version > open.version and o.version <= last_version and o.version > 0
      ) ended
      group by ended.wave
    ) change
    where job_wave.job_key = open.key and job_wave.wave = change.wave;
  end if;
  insert into job_event (job_key, version, time, type, status, cause, actor, actor_id, reason, cancellation)
  values (
    open.key, last_version, moment, 'devicesCancelled', open.status, 'user', by_actor, by_actor_id, why,
    selection || jsonb_build_object('cancelled', cancelled_count, 'underWay', under_way_count)
  );
end $$;
