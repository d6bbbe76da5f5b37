import { Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReads } from '../database/bounded-read.ts'
import { meetsScope } from '../database/in-scope.ts'
import { deviceFields } from '../query/fields.ts'
import { documentOf } from '../query/operands.ts'
import { isEverything, type Scope } from '../scope.ts'
import type { SampledPath } from './path-catalogue.ts'

/** Maximum number of paths of a sample: names that devices invent come last. */
const maxPaths = 5_000
/**
 * Maximum length of a path in characters: longer ones are not typed by users, and 5,000 of them would be a large
 * result.
 */
const maxPathLength = 512
const maxSampleValues = 5
/** Maximum length of the JSON text of a value, in characters. */
const maxSampleValueLength = 64

/**
 * The types and values at each path, the paths of most devices first: in a sample of 1,000 devices, or of 100 when
 * there is no time for so many, or else an empty list. A fleet that is no larger is read as a whole.
 */
export async function readSampledPaths(db: BoundedReads, scope: Scope): Promise<SampledPath[]> {
  const read = (devices: number, ms: number) =>
    db.boundedRead(ms, (reader) => reader.query<SampledPath>(pathsOfSample(scope, devices)))
  return (await read(1_000, 1_000)) ?? (await read(100, 500)) ?? []
}

/** Whole pages of the table, somewhat more than needed by PostgreSQL's estimate of its size, always the same ones. */
const chosenOfAll = (devices: number): Sql => sql`estimate as (
      select greatest(reltuples, 1) as twins from pg_class where oid = 'twin'::regclass
    ), chosen as (
      select device_id
      from twin tablesample system (least(100, ${120 * devices}::float8 / (select twins from estimate))) repeatable (0)
      limit ${devices}
    )`

/** The first devices in the scope: a sample of all devices may have none of them. */
const chosenIn = (scope: Scope, devices: number): Sql => sql`chosen as (
      select d.id as device_id
      from device d join twin t on t.device_id = d.id
      where true${meetsScope(scope)}
      order by d.id
      limit ${devices}
    )`

/**
 * The paths in the documents of the chosen devices. Metadata is left out: it is not a path that users type in an
 * editor.
 */
function pathsOfSample(scope: Scope, devices: number): Sql {
  const { strings, values } = documentOf(deviceFields)
  return sql`
    with recursive ${isEverything(scope) ? chosenOfAll(devices) : chosenIn(scope, devices)}, sample as (
      select ${new Sql(strings, values)} as document
      from chosen join device d on d.id = chosen.device_id join twin t on t.device_id = d.id
    ), node (path, value) as (
      select array[member.key], member.value from sample cross join lateral jsonb_each(document) member
      union all
      select node.path || member.key, member.value
      from node
      cross join lateral jsonb_each(case jsonb_typeof(node.value) when 'object' then node.value else '{}' end) member
      where member.key <> '$metadata'
    ), used as (
      select path, jsonb_typeof(value) as type, count(*) as devices,
             case when jsonb_typeof(value) in ('string', 'number', 'boolean')
                       and length(value::text) <= ${maxSampleValueLength} then value end as value
      from node
      where length(array_to_string(path, '.')) <= ${maxPathLength}
      group by 1, 2, 4
    )
    select path as segments, array_agg(distinct type order by type) as types, sum(devices)::integer as "deviceCount",
           coalesce(
             to_jsonb((array_agg(value order by devices desc, value) filter (where value is not null))[:${maxSampleValues}]),
             '[]'
           ) as "sampleValues"
    from used
    group by path
    order by sum(devices) desc, path collate "C"
    limit ${maxPaths}`
}
