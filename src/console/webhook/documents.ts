import { graphql } from '../../generated/console/index.ts'

/** A webhook, in a list and on its page. */
graphql(`
  fragment WebhookNow on Webhook {
    id
    webhookId
    url
    events
    failureShare
    minimumDevices
    description
    enabled
    disabledReason
    createdBy
    createdTime
  }
`)

graphql(`
  fragment WebhookDeliveryRow on WebhookDelivery {
    id
    deliveryId
    event
    jobId
    status
    createdTime
    endTime
    nextAttemptTime
    attempts
    error
    responseStatus
    responseText
  }
`)

/** A page of the list, the oldest first. */
export const WebhooksListDocument = graphql(`
  query WebhooksList($first: Int!, $after: String) {
    webhooks(first: $first, after: $after) {
      nodes {
        ...WebhookNow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

export const WebhookDocument = graphql(`
  query WebhookPage($webhookId: String!) {
    webhook(webhookId: $webhookId) {
      ...WebhookNow
    }
  }
`)

/** A page of the deliveries of a webhook, the newest events first. */
export const WebhookDeliveriesDocument = graphql(`
  query WebhookDeliveries($webhookId: String!, $filter: WebhookDeliveryFilter, $first: Int!, $after: String) {
    webhook(webhookId: $webhookId) {
      id
      deliveries(filter: $filter, first: $first, after: $after) {
        nodes {
          ...WebhookDeliveryRow
        }
        pageInfo {
          ...NextPage
        }
      }
    }
  }
`)

export const WebhookCreateDocument = graphql(`
  mutation WebhookCreate($input: CreateWebhookInput!) {
    createWebhook(input: $input) {
      __typename
      ... on CreateWebhookPayload {
        secret
        webhook {
          ...WebhookNow
        }
      }
      ...DomainError
    }
  }
`)

export const WebhookUpdateDocument = graphql(`
  mutation WebhookUpdate($input: UpdateWebhookInput!) {
    updateWebhook(input: $input) {
      __typename
      ... on UpdateWebhookPayload {
        webhook {
          ...WebhookNow
        }
      }
      ...DomainError
    }
  }
`)

export const WebhookRotateDocument = graphql(`
  mutation WebhookRotate($input: RotateWebhookSecretInput!) {
    rotateWebhookSecret(input: $input) {
      __typename
      ... on RotateWebhookSecretPayload {
        secret
      }
      ...DomainError
    }
  }
`)

export const WebhookDeleteDocument = graphql(`
  mutation WebhookDelete($input: DeleteWebhookInput!) {
    deleteWebhook(input: $input) {
      __typename
      ... on DeleteWebhookPayload {
        id
      }
      ...DomainError
    }
  }
`)

export const WebhookRedeliverDocument = graphql(`
  mutation WebhookRedeliver($input: RedeliverWebhookInput!) {
    redeliverWebhook(input: $input) {
      __typename
      ... on RedeliverWebhookPayload {
        delivery {
          ...WebhookDeliveryRow
        }
      }
      ...DomainError
    }
  }
`)
