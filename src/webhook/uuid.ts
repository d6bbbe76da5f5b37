/** Whether a text has the form of the ids of webhooks and deliveries. PostgreSQL refuses others with an error. */
export const isUuid = (text: string): boolean => /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/.test(text)
