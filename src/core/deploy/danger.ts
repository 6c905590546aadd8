import type { StackChange } from './ports.ts';

/** Resources that hold what nobody can make again: what users or tenants stored, and the keys to read it with. */
const HOLDS_DATA = new Set([
  'AWS::Backup::BackupVault',
  'AWS::Cassandra::Table',
  'AWS::Cognito::UserPool',
  'AWS::DSQL::Cluster',
  'AWS::DocDB::DBCluster',
  'AWS::DocDBElastic::Cluster',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::EC2::Volume',
  'AWS::EFS::FileSystem',
  'AWS::ElastiCache::CacheCluster',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::Elasticsearch::Domain',
  'AWS::FSx::FileSystem',
  'AWS::FSx::Volume',
  'AWS::KMS::Key',
  'AWS::KMS::ReplicaKey',
  'AWS::Kinesis::Stream',
  'AWS::MemoryDB::Cluster',
  'AWS::Neptune::DBCluster',
  'AWS::NeptuneGraph::Graph',
  'AWS::OpenSearchServerless::Collection',
  'AWS::OpenSearchService::Domain',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::Redshift::Cluster',
  'AWS::RedshiftServerless::Namespace',
  'AWS::S3::Bucket',
  'AWS::S3Express::DirectoryBucket',
  'AWS::S3Tables::Table',
  'AWS::S3Tables::TableBucket',
  'AWS::S3Vectors::VectorBucket',
  'AWS::SQS::Queue',
  'AWS::SSM::Parameter',
  'AWS::SecretsManager::Secret',
  'AWS::Timestream::InfluxDBInstance',
  'AWS::Timestream::Table',
]);

export const holdsData = (type: string): boolean => HOLDS_DATA.has(type);

/** A stack within the stack is not looked into: whatever is in there goes with it. */
export const mayHoldData = (type: string): boolean =>
  holdsData(type) || type === 'AWS::CloudFormation::Stack';

/**
 * The changes that remove or replace user data, or may. `Conditional` means that CloudFormation itself knows only
 * while it executes, `Dynamic` that it does not even know the action: both count.
 */
export const dangerousChanges = (changes: readonly StackChange[]): StackChange[] =>
  changes.filter(
    ({ action, type, replacement }) =>
      mayHoldData(type) &&
      (action === 'Remove' ||
        action === 'Dynamic' ||
        (action === 'Modify' && (replacement === 'True' || replacement === 'Conditional'))),
  );
