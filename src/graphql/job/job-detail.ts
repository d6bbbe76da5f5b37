import { twinDetail } from '../../audit/entry.ts'
import { type Json, type JsonObject, membersOf } from '../../json/json.ts'

/** What a client gives of a job, or of a template of jobs. */
type GivenJob = {
  readonly queryCondition?: string | null | undefined
  readonly cloudToDeviceMethod?: { readonly methodName: string } | null | undefined
  readonly updateTwin?:
    | { readonly tags?: unknown; readonly properties?: { readonly desired?: unknown } | null | undefined }
    | null
    | undefined
  readonly skipCompliant?: boolean | null | undefined
  readonly targets?: unknown
  readonly onOverlap?: unknown
  readonly rollout?: unknown
}

/**
 * The condition, the method or the paths of the patch, whether devices are skipped, the targets, what is done about other jobs and the rollout that are given, as
 * the audit keeps them.
 */
export const jobDetail = ({
  queryCondition,
  cloudToDeviceMethod,
  updateTwin,
  skipCompliant,
  targets,
  onOverlap,
  rollout,
}: GivenJob): JsonObject => ({
  ...(queryCondition != null && { queryCondition }),
  ...(cloudToDeviceMethod != null && { methodName: cloudToDeviceMethod.methodName }),
  ...(updateTwin != null && twinDetail({ tags: updateTwin.tags, desired: updateTwin.properties?.desired })),
  ...(skipCompliant === true && { skipCompliant }),
  ...(typeof targets === 'string' && { targets }),
  ...(typeof onOverlap === 'string' && { onOverlap }),
  ...rolloutDetail(rollout),
})

/** Empty without limits, waves, rules and approval. */
function rolloutDetail(given: unknown): JsonObject {
  const { approval, ...others } = membersOf(given)
  const rollout = limitsDetail({ ...others, ...(approval === true && { approval }) })
  return Object.keys(rollout).length === 0 ? {} : { rollout }
}

/** Longer than any list of a rollout may be: a request that is refused has an entry, too. */
const longestList = 20
/** A condition or a path may be much longer. */
const longestText = 256

/** The limits that are given, as the audit keeps them. */
export const limitsDetail = (given: object): JsonObject =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const kept = shortened(value)
      return kept === undefined ? [] : [[name, kept]]
    }),
  )

/** A value of the input with its lists and texts cut; undefined for what is not given. */
function shortened(value: unknown): Json | undefined {
  if (typeof value === 'string') return value.slice(0, longestText)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (Array.isArray(value)) return value.slice(0, longestList).flatMap((item: unknown) => shortened(item) ?? [])
  return typeof value === 'object' ? limitsDetail(value) : undefined
}
