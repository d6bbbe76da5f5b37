import type { Addresses } from '../../src/app.ts'

/** The addresses of a hub whose ports tests use. Empty for those that are off. */
export type OpenAddresses = Readonly<Record<keyof Addresses, string>>

export const openAddresses = ({
  http = '',
  https = '',
  mqtt = '',
  mqtts = '',
  graphql = '',
  console = '',
  metrics = '',
}: Addresses): OpenAddresses => ({ http, https, mqtt, mqtts, graphql, console, metrics })
