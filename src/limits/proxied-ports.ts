/** The names of ports that may be behind a proxy that speaks the PROXY protocol. */
export const proxiedPorts = ['http', 'https', 'mqtt', 'mqtts'] as const
export type ProxiedPort = (typeof proxiedPorts)[number]
