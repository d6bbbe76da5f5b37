import { graphql } from '../../generated/console/index.ts'

/** The jobs and devices that a text finds, and those with exactly this ID. */
export const PaletteFindDocument = graphql(`
  query PaletteFind(
    $text: String!
    $deviceCondition: String!
    $first: Int!
    $withJobs: Boolean!
    $withDevices: Boolean!
  ) {
    job(jobId: $text) @include(if: $withJobs) {
      ...PaletteJob
    }
    jobs(filter: { search: $text }, first: $first) @include(if: $withJobs) {
      nodes {
        ...PaletteJob
      }
    }
    device(deviceId: $text) @include(if: $withDevices) {
      ...PaletteDevice
    }
    devices(queryCondition: $deviceCondition, first: $first) @include(if: $withDevices) {
      nodes {
        ...PaletteDevice
      }
    }
  }
`)

graphql(`
  fragment PaletteJob on Job {
    id
    jobId
    type
    status
    outcome
    endTime
    deviceJobStatistics {
      ...Counters
    }
    ...Operation
  }
`)

graphql(`
  fragment PaletteDevice on Device {
    id
    deviceId
    connectionState
  }
`)
