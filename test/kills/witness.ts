import type { Pool } from 'pg'

/**
 * Triggers that judge every mark of a call and every change of a job by the facts, in the transaction that writes it: so a limit
 * that is exceeded for an instant only is seen, too. Nothing of the engine's counters is used for that.
 */
export async function installWitness(pool: Pool): Promise<void> {
  await pool.query(`
    create schema witness;
    create table witness.fault (time timestamptz not null default clock_timestamp(), fault text not null);
    create table witness.turn (job_key bigint not null, device_id text not null, time timestamptz not null, rate integer);
    create index on witness.turn (job_key, time);

    create function witness.judge_marks() returns trigger language plpgsql as $$
    begin
      -- The end of a job writes the last attempts of devices that wait for another as marks, too. Those are over.
      with fresh as (select * from written where deadline > clock_timestamp())
      insert into witness.turn select job_key, device_id, clock_timestamp(), max_per_minute from fresh join job on key = job_key;
      with fresh as (select * from written where deadline > clock_timestamp())
      insert into witness.fault (fault)
      select id || ': ' || what
      from job
      join (select job_key, count(*) as fresh from fresh group by job_key) marked on job_key = key
      cross join lateral (
        select count(*) as calls
        from device_job_dispatch mark
        where mark.job_key = key and not exists (
          select from device_job_outcome ended where ended.job_key = key and ended.device_id = mark.device_id
        )
      ) in_progress
      cross join lateral (
        select count(*) as turns, max(rate) as rate, bool_or(rate is null) as any_free
        from witness.turn where turn.job_key = key and time > clock_timestamp() - interval '1 minute'
      ) minute
      cross join lateral (values
        (status <> 'running' or end_time is not null, 'a call was marked while the job was ' || status),
        (calls > max_concurrent, calls || ' calls were in progress, and ' || max_concurrent || ' may be'),
        (not any_free and turns > minute.rate, turns || ' devices were called in a minute, and ' || minute.rate || ' may be'),
        (exists (
          select from fresh join device_job target on target.job_key = fresh.job_key and target.device_id = fresh.device_id
          where fresh.job_key = key and target.wave > coalesce(open_wave, 0)
        ), 'a device of a wave was called that is not open'),
        (rollout ? 'window' and mod(
          86400 + extract(epoch from
            (clock_timestamp() at time zone (rollout #>> '{window,timeZone}'))::time - (rollout #>> '{window,from}')::time
          ), 86400
        ) >= mod(
          86400 + extract(epoch from (rollout #>> '{window,to}')::time - (rollout #>> '{window,from}')::time), 86400
        ) - (request ->> 'responseTimeoutInSeconds')::integer, 'a call was marked outside its window'),
        (exists (
          select from fresh join device_job_attempt earlier
            on earlier.job_key = fresh.job_key and earlier.device_id = fresh.device_id
          where fresh.job_key = key and not_before > clock_timestamp()
        ), 'a call was repeated too early'),
        (exists (
          select from fresh where fresh.job_key = key and (
            select count(*) from device_job_attempt earlier
            where earlier.job_key = fresh.job_key and earlier.device_id = fresh.device_id
          ) >= coalesce((rollout #>> '{retry,maxAttempts}')::integer, 1)
        ), 'a call was repeated too often'),
        (budget_max_concurrent is not null and exists (
          select from device_job target
          join device_job_dispatch mark on mark.job_key = key and mark.device_id = target.device_id
          where target.job_key = key and not exists (
            select from device_job_outcome ended where ended.job_key = key and ended.device_id = mark.device_id
          )
          group by target.group_key
          having count(*) > budget_max_concurrent
        ), 'a budget was exceeded')
      ) as rule (is_broken, what)
      where is_broken;
      return null;
    end $$;
    create trigger witness_marks after insert on device_job_dispatch
    referencing new table as written for each statement execute function witness.judge_marks();

    create function witness.judge_job() returns trigger language plpgsql as $$
    begin
      if new.version < old.version then
        insert into witness.fault (fault) values (new.id || ': the version went back to ' || new.version);
      end if;
      if new.device_count <> new.pending_count + new.running_count + new.succeeded_count + new.failed_count + new.canceled_count then
        insert into witness.fault (fault) values (new.id || ': the counters do not add up at version ' || new.version);
      end if;
      if new.on_overlap = 'queue' and old.started_time is null and new.started_time is not null and exists (
        select from device_job mine
        join device_job theirs on theirs.device_id = mine.device_id and theirs.job_key <> mine.job_key
        join job other on other.key = theirs.job_key and other.end_time is null and other.started_time is not null
        where mine.job_key = new.key and not exists (
          select from device_job_outcome ended where ended.job_key = theirs.job_key and ended.device_id = theirs.device_id
        ) and (other.status <> 'cancelled' or exists (
          select from device_job_dispatch mark where mark.job_key = theirs.job_key and mark.device_id = theirs.device_id
        ))
      ) then
        insert into witness.fault (fault) values (new.id || ': started while another job had some of its devices');
      end if;
      if old.end_time is not null and new.end_time is distinct from old.end_time then
        insert into witness.fault (fault) values (new.id || ': ended twice');
      end if;
      return null;
    end $$;
    create trigger witness_job after update on job for each row execute function witness.judge_job();`)
}

/** What the triggers have seen. */
export async function readWitness(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ fault: string }>('select fault from witness.fault order by time limit 100')
  return rows.map(({ fault }) => fault)
}
