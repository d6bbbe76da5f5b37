import { graphql } from '../../generated/console/index.ts'

/** The fields that a row shows. The twin is read only if a column shows a part of it. */
graphql(`
  fragment DevicesRow on Device {
    ...DeviceState
    statusReason
    twin @include(if: $withTwin) {
      tags
      properties {
        desired {
          value
        }
        reported {
          value
        }
      }
    }
  }
`)

/** A page of the list, ordered by device ID. */
export const DevicesListDocument = graphql(`
  query DevicesList(
    $queryCondition: String
    $orderBy: DeviceOrder
    $first: Int!
    $after: String
    $withTwin: Boolean!
  ) {
    devices(queryCondition: $queryCondition, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      nodes {
        ...DevicesRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** Devices as they connect, disconnect and are deleted. */
export const DevicesPresenceDocument = graphql(`
  subscription DevicesPresence($queryCondition: String!, $withTwin: Boolean!) {
    devicePresenceChanged(queryCondition: $queryCondition) {
      initial
      devices {
        ...DevicesRow
      }
      deletedDeviceIds
    }
  }
`)

/** Registers a device. The key is null, with an error, for a token that may write devices but not read them. */
export const DevicesCreateDocument = graphql(`
  mutation DevicesCreate($input: CreateDeviceInput!) {
    createDevice(input: $input) {
      __typename
      ... on CreateDevicePayload {
        device {
          id
          deviceId
          authentication {
            symmetricKey {
              primaryKey
            }
          }
        }
      }
      ...DomainError
    }
  }
`)

/** The fields that the head of a device's page shows. */
graphql(`
  fragment DeviceNow on Device {
    ...DeviceState
    generationId
    statusReason
  }
`)

export const DevicePageDocument = graphql(`
  query DevicePage($deviceId: String!) {
    device(deviceId: $deviceId) {
      ...DeviceNow
    }
  }
`)

export const DevicePresenceDocument = graphql(`
  subscription DevicePresence($queryCondition: String!) {
    devicePresenceChanged(queryCondition: $queryCondition) {
      devices {
        ...DeviceNow
      }
    }
  }
`)

/** The whole twin. */
graphql(`
  fragment DeviceTwin on Twin {
    etag
    version
    tags
    properties {
      desired {
        value
        version
      }
      reported {
        value
        version
      }
    }
  }
`)

export const DeviceTwinUpdatedDocument = graphql(`
  subscription DeviceTwinUpdated($deviceId: String!) {
    twinUpdated(deviceId: $deviceId) {
      ...DeviceTwin
    }
  }
`)

/** Reads the current twin, after the twin was found to have changed. */
export const DeviceTwinDocument = graphql(`
  query DeviceTwinNow($deviceId: String!) {
    device(deviceId: $deviceId) {
      twin {
        ...DeviceTwin
      }
    }
  }
`)

/** The secrets of a device, read only on demand. */
export const DeviceKeysDocument = graphql(`
  query DeviceKeys($deviceId: String!) {
    device(deviceId: $deviceId) {
      authentication {
        type
        symmetricKey {
          primaryKey
          secondaryKey
        }
        x509Thumbprint {
          primaryThumbprint
          secondaryThumbprint
        }
      }
    }
  }
`)

/** The device jobs of a device. */
graphql(`
  fragment DeviceJobRow on DeviceJob {
    ...DeviceJobState
    job {
      jobId
      createdTime
      ...Operation
    }
  }
`)

export const DeviceJobsDocument = graphql(`
  query DeviceJobs($deviceId: String!, $first: Int!, $after: String) {
    device(deviceId: $deviceId) {
      deviceJobs(first: $first, after: $after) {
        totalCount
        nodes {
          ...DeviceJobRow
        }
        pageInfo {
          ...NextPage
        }
      }
    }
  }
`)

/** That a job was created or has changed: the device jobs of a device may have, too. */
export const DeviceJobsChangedDocument = graphql(`
  subscription DeviceJobsChanged {
    jobChanged {
      job {
        id
      }
    }
  }
`)

export const DeviceTelemetryDocument = graphql(`
  subscription DeviceTelemetry($deviceId: String!) {
    telemetry(deviceId: $deviceId) {
      enqueuedTime
      contentType
      body
      properties
    }
  }
`)

export const DeviceUpdateDocument = graphql(`
  mutation DeviceUpdate($input: UpdateDeviceInput!) {
    updateDevice(input: $input) {
      __typename
      ... on UpdateDevicePayload {
        device {
          ...DeviceNow
        }
      }
      ...DomainError
    }
  }
`)

export const DeviceUpdateTwinDocument = graphql(`
  mutation DeviceUpdateTwin($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
      ... on UpdateTwinPayload {
        twin {
          ...DeviceTwin
        }
      }
      ...DomainError
    }
  }
`)

export const DeviceInvokeDocument = graphql(`
  mutation DeviceInvoke($input: InvokeDeviceMethodInput!) {
    invokeDeviceMethod(input: $input) {
      __typename
      ... on InvokeDeviceMethodPayload {
        status
        payload
      }
      ...DomainError
    }
  }
`)

export const DeviceDeleteDocument = graphql(`
  mutation DeviceDelete($input: DeleteDeviceInput!) {
    deleteDevice(input: $input) {
      __typename
      ... on DeleteDevicePayload {
        deviceId
      }
      ...DomainError
    }
  }
`)
