/**
 * What the form of a job or a template says about a job that was copied into it. `waves` are null for a job that the hub does not
 * show whole. `unknown`: what it has that the form cannot copy.
 */
export function describeCopy(
  jobId: string,
  { retryOf, waves }: { readonly retryOf: unknown; readonly waves: readonly unknown[] | null },
  unknown: readonly string[],
  copy: 'job' | 'template' = 'job',
): string {
  return [
    `Copied from job ${jobId}.`,
    ...(waves === null
      ? [
          'It was not scheduled under your scope: its payload or patch, limits, approval, waves and abort rules are hidden and were not copied.',
        ]
      : []),
    ...(retryOf ? ['That job retried some of the devices; its condition matches all of them.'] : []),
    ...describeUnknown(unknown, copy),
  ].join(' ')
}

/** What the form says about a template that was copied into it. `unknown`: what it has that the form cannot copy. */
export function describeTemplateCopy(templateId: string, unknown: readonly string[]): string {
  return [`Filled from template ${templateId}.`, ...describeUnknown(unknown, 'job')].join(' ')
}

const describeUnknown = (unknown: readonly string[], copy: 'job' | 'template'): readonly string[] =>
  unknown.length === 0 ? [] : [`This form does not have ${unknown.join(', ')}, so the ${copy} will not.`]
