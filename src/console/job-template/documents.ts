import { graphql } from '../../generated/console/index.ts'

/** A template in the list. */
graphql(`
  fragment JobTemplateRow on JobTemplate {
    id
    templateId
    name
    description
    queryCondition
    cloudToDeviceMethod {
      methodName
    }
    updateTwin
    updatedTime
    updatedBy
  }
`)

/** A template with all that its jobs have. */
graphql(`
  fragment WholeJobTemplate on JobTemplate {
    id
    templateId
    name
    description
    labels {
      name
      value
    }
    queryCondition
    maxExecutionTimeInSeconds
    cloudToDeviceMethod {
      methodName
      payload
      connectTimeoutInSeconds
      responseTimeoutInSeconds
    }
    updateTwin
    skipCompliant
    rollout
    targets
    onOverlap
    etag
    createdTime
    updatedTime
    updatedBy
  }
`)

/** A page of the list, by ID. */
export const JobTemplatesListDocument = graphql(`
  query JobTemplatesList($first: Int!, $after: String) {
    jobTemplates(first: $first, after: $after) {
      nodes {
        ...JobTemplateRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** The rows of the list that change. */
export const JobTemplatesChangedDocument = graphql(`
  subscription JobTemplatesChanged {
    definitionChanged(kind: JOB_TEMPLATE) {
      definitions {
        __typename
        ...JobTemplateRow
      }
      deletedIds
      initial
    }
  }
`)

export const JobTemplateDocument = graphql(`
  query JobTemplatePage($templateId: String!) {
    jobTemplate(templateId: $templateId) {
      ...WholeJobTemplate
    }
  }
`)

export const JobTemplateCreateDocument = graphql(`
  mutation JobTemplateCreate($input: CreateJobTemplateInput!) {
    createJobTemplate(input: $input) {
      __typename
      ... on CreateJobTemplatePayload {
        jobTemplate {
          id
          templateId
        }
      }
      ...DomainError
    }
  }
`)

export const JobTemplateUpdateDocument = graphql(`
  mutation JobTemplateUpdate($input: UpdateJobTemplateInput!) {
    updateJobTemplate(input: $input) {
      __typename
      ... on UpdateJobTemplatePayload {
        jobTemplate {
          ...WholeJobTemplate
        }
      }
      ...DomainError
    }
  }
`)

export const JobTemplateDeleteDocument = graphql(`
  mutation JobTemplateDelete($input: DeleteJobTemplateInput!) {
    deleteJobTemplate(input: $input) {
      __typename
      ... on DeleteJobTemplatePayload {
        id
      }
      ...DomainError
    }
  }
`)
