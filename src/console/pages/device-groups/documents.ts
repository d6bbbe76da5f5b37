import { graphql } from '../../../generated/console/index.ts'

/** A group, without its count: counting may take long. */
graphql(`
  fragment DeviceGroupRow on DeviceGroup {
    id
    name
    description
    queryCondition
    etag
    updatedTime
    updatedBy
  }
`)

/** A page of the list, by name. */
export const DeviceGroupsListDocument = graphql(`
  query DeviceGroupsList($first: Int!, $after: String) {
    deviceGroups(first: $first, after: $after) {
      nodes {
        ...DeviceGroupRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** The rows of the list that change. */
export const DeviceGroupsChangedDocument = graphql(`
  subscription DeviceGroupsChanged {
    definitionChanged(kind: DEVICE_GROUP) {
      definitions {
        __typename
        ...DeviceGroupRow
      }
      deletedIds
      initial
    }
  }
`)

/** The numbers of devices in the groups of the same page. */
export const DeviceGroupCountsDocument = graphql(`
  query DeviceGroupCounts($first: Int!, $after: String) {
    deviceGroups(first: $first, after: $after) {
      nodes {
        id
        deviceCount
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** Whether a group exists. */
export const DeviceGroupDocument = graphql(`
  query DeviceGroupExists($name: String!) {
    deviceGroup(name: $name) {
      id
    }
  }
`)

export const DeviceGroupSaveDocument = graphql(`
  mutation DeviceGroupSave($input: SaveDeviceGroupInput!) {
    saveDeviceGroup(input: $input) {
      __typename
      ... on SaveDeviceGroupPayload {
        deviceGroup {
          ...DeviceGroupRow
        }
      }
      ...DomainError
    }
  }
`)

export const DeviceGroupDeleteDocument = graphql(`
  mutation DeviceGroupDelete($input: DeleteDeviceGroupInput!) {
    deleteDeviceGroup(input: $input) {
      __typename
      ... on DeleteDeviceGroupPayload {
        id
      }
      ...DomainError
    }
  }
`)
