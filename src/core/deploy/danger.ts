import type { StackChange } from './ports.ts';

/** Resources that hold what nobody can make again: what users or tenants stored, and the keys to read it with. */
const HOLDS_DATA = new Set([
  'AWS::Backup::BackupVault',
  'AWS::Cognito::UserPool',
  'AWS::DocDB::DBCluster',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::EC2::Volume',
  'AWS::EFS::FileSystem',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::KMS::Key',
  'AWS::Kinesis::Stream',
  'AWS::Neptune::DBCluster',
  'AWS::OpenSearchServerless::Collection',
  'AWS::OpenSearchService::Domain',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::Redshift::Cluster',
  'AWS::S3::Bucket',
  'AWS::S3Tables::TableBucket',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
  'AWS::SSM::Parameter',
  'AWS::Timestream::Table',
]);

export const holdsData = (type: string): boolean => HOLDS_DATA.has(type);

/**
 * The changes that remove or replace user data, or may. `Conditional` means that CloudFormation itself knows only
 * while it executes, `Dynamic` that it does not even know the action: both count.
 */
export const dangerousChanges = (changes: readonly StackChange[]): StackChange[] =>
  changes.filter(
    ({ action, type, replacement }) =>
      holdsData(type) &&
      (action === 'Remove' ||
        action === 'Dynamic' ||
        (action === 'Modify' && (replacement === 'True' || replacement === 'Conditional'))),
  );
