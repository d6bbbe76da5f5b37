/** What the form says about a job that was copied into it. */
export function describeCopy(jobId: string, { retryOf }: { readonly retryOf: unknown }): string {
  return [
    `Copied from job ${jobId}.`,
    ...(retryOf ? ['That job retried some of the devices; its condition matches all of them.'] : []),
  ].join(' ')
}
