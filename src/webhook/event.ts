/** An event of a job that a webhook can get. */
export type WebhookEvent = (typeof webhookEvents)[number]

/** All of them, in the order in which a job can have them. It can be paused and resumed many times, also before its start. */
export const webhookEvents = ['job.started', 'job.threshold', 'job.paused', 'job.resumed', 'job.ended'] as const

/** The state of a delivery. Dead: no further attempts are made, unless a client redelivers it. */
export type DeliveryStatus = (typeof deliveryStatuses)[number]

export const deliveryStatuses = ['pending', 'delivered', 'dead'] as const

/** Why an attempt to deliver failed. */
export type DeliveryFailure = (typeof deliveryFailures)[number]

/**
 * Address: it is not public. Unreachable: no connection, or it broke. Tls: the certificate is not trusted. Timeout: no
 * answer in time. Redirect, gone and status: the answer was 3xx, 410, or another one than 2xx.
 */
export const deliveryFailures = ['address', 'unreachable', 'tls', 'timeout', 'redirect', 'gone', 'status'] as const
