import { describe, expect, it } from 'vitest';
import { importMsc } from '../../src/config/import-msc.ts';
import { importRclone } from '../../src/config/import-rclone.ts';
import { configure, errorOf } from './configure.ts';

const RCLONE = `
# remotes
[minio]
type = s3
provider = Minio
access_key_id = KEYVALUE
secret_access_key = TOPSECRET
session_token = TOPSECRET
endpoint = 127.0.0.1:9000
region = here
chunk_size = 16M
upload_cutoff = 200Mi
acl = private
upload_concurrency = 4

[photos]
type = alias
remote = minio:photos/raw

[nested photos]
type = alias
remote = photos:2024

[aws]
type = s3
provider = AWS
env_auth = true
profile = research
chunk_size = 1M

[disk]
type = local

[backup]
type = alias
remote = /mnt/$backup

[hidden]
type = crypt
remote = minio:x
password = TOPSECRET

[dav]
type = webdav
url = https://dav.example.com/files/
vendor = other
user = me
pass = TOPSECRET

[dav projects]
type = alias
remote = dav:my projects

[ssh]
type = sftp
host = ssh.example.com
port = 2222
user = me
key_file = ~/.ssh/id
key_file_pass = TOPSECRET
md5sum_command = none

[ssh srv]
type = alias
remote = ssh:/srv/data

[loop]
type = alias
remote = loop:x

[tencent]
type = s3
provider = TencentCOS
endpoint = https://cos.example.com
access_key_id = KEYVALUE
secret_access_key = TOPSECRET
bucket = my-bucket-125
`;

describe('an rclone.conf', () => {
  const { yaml, notes } = importRclone(RCLONE);
  const environment = {
    MINIO_ACCESS_KEY: 'k',
    MINIO_SECRET_KEY: 's',
    MINIO_SESSION_TOKEN: 't',
    TENCENT_ACCESS_KEY: 'k2',
    TENCENT_SECRET_KEY: 's2',
    AWS_BUCKET: 'research-bucket/x',
    DAV_PASSWORD: 'p',
    SSH_PASSPHRASE: 'q',
  };
  const { profiles } = configure(yaml, environment);

  it('becomes a configuration without its secrets, each a variable that a note explains', () => {
    expect(`${yaml}${notes.join('\n')}`).not.toMatch(/TOPSECRET|KEYVALUE/);
    expect(notes).toContain(
      'set the environment variable MINIO_SECRET_KEY to secret_access_key of [minio] in rclone.conf',
    );
    expect(notes).toContain('set the environment variable AWS_BUCKET to the bucket (or bucket/prefix) of aws');
  });

  it('gives a profile to every alias of a bucket, with what its remote says', () => {
    expect(profiles['photos']?.storage).toMatchObject({
      bucket: 'photos',
      prefix: 'raw/',
      endpointUrl: 'https://127.0.0.1:9000',
      region: 'here',
      pathStyle: true,
      partBytes: 16 * 1024 ** 2,
      multipartThreshold: 200 * 1024 ** 2,
      credentials: { kind: 'static', accessKey: 'k', secretKey: 's', sessionToken: 't' },
    });
    expect(profiles['nested-photos']?.storage).toMatchObject({ bucket: 'photos', prefix: 'raw/2024/' });
    expect(profiles['minio']).toBeUndefined();
    expect(notes).toContain('[minio] has no profile of its own: it names no bucket, and its aliases are imported');
  });

  it('keeps local directories, named credentials and the style of addresses', () => {
    expect(profiles['backup']?.storage).toEqual({ type: 'file', basePath: '/mnt/$backup' });
    expect(profiles['disk']?.storage).toEqual({ type: 'file', basePath: '/' });
    expect(profiles['aws']?.storage).toMatchObject({
      bucket: 'research-bucket',
      credentials: { kind: 'chain', profile: 'research' },
    });
    expect(profiles['tencent']?.storage).toMatchObject({ bucket: 'my-bucket-125', pathStyle: false });
  });

  it('gives a profile to every remote of type webdav and sftp, and to what their aliases lead to', () => {
    const login = { kind: 'basic', user: 'me', password: 'p' };
    expect(profiles['dav']?.storage).toMatchObject({ url: 'https://dav.example.com/files/', login });
    expect(profiles['dav-projects']?.storage).toMatchObject({ url: 'https://dav.example.com/files/my%20projects/' });
    const ssh = { host: 'ssh.example.com', port: 2222, user: 'me', login: { kind: 'key', passphrase: 'q' } };
    expect(profiles['ssh']?.storage).toMatchObject({ ...ssh, path: '.' });
    expect(profiles['ssh-srv']?.storage).toMatchObject({ ...ssh, path: '/srv/data' });
  });

  it('lists what was not imported', () => {
    expect(notes).toEqual(
      expect.arrayContaining([
        '[hidden] is skipped: Pando has no stores of type crypt',
        '[ssh] has options without a counterpart: md5sum_command',
        '[loop] is skipped: its alias leads back to itself',
        '[minio] has options without a counterpart: acl, upload_concurrency',
        '[nested photos] is called nested-photos here: the name of a profile has letters, digits, ".", "_" and "-"',
        'chunk_size of [aws] of 1MiB is left out: S3 allows 5MiB to 5GiB',
      ]),
    );
  });

  it('that is encrypted is refused with what to do', () => {
    const text = '# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabc=\n';
    expect(errorOf(() => importRclone(text)).problems[0]?.remedy).toContain('rclone config show');
  });
});

const MSC = `
include: [./other.yaml]
profiles:
  my-dataset:
    storage_provider:
      type: s3
      options:
        base_path: bucket/$PREFIX
        region_name: us-east-1
        multipart_threshold: 67108864
        multipart_chunksize: 33554432
        max_concurrency: 16
    credentials_provider:
      type: S3Credentials
      options: { access_key: "\${AK}", secret_key: TOPSECRET }
    caching_enabled: true
    retry: { attempts: 3, delay: 1.0, backoff_multiplier: 2.0 }
    replicas:
      - { replica_profile: my.swift, read_priority: 1 }
      - { replica_profile: azure, read_priority: 2 }
      - { replica_profile: "my local", read_priority: 3 }
  my.swift:
    storage_provider: { type: s8k, options: { base_path: swift-bucket, endpoint_url: "https://s8k.example.com" } }
  google:
    storage_provider: { type: gcs_s3, options: { base_path: google-bucket, multipart_chunksize: 4194304 } }
    credentials_provider: { type: GoogleServiceAccountCredentialsProvider, options: { file: /x } }
  azure:
    storage_provider: { type: azure, options: { base_path: c } }
  "my local":
    storage_provider: { type: file, options: { base_path: "/lustre/$$" } }
cache: { size: 10G }
`;

describe('a configuration of the multi-storage client', () => {
  const { yaml, notes } = importMsc(MSC);
  const { profiles } = configure(yaml, { PREFIX: 'p', AK: 'k', MY_DATASET_SECRET_KEY: 's' });

  it('becomes a configuration with its replicas, retry and references', () => {
    expect(profiles['my-dataset']).toMatchObject({
      storage: {
        bucket: 'bucket',
        prefix: 'p/',
        region: 'us-east-1',
        multipartThreshold: 67_108_864,
        partBytes: 33_554_432,
        credentials: { kind: 'static', accessKey: 'k', secretKey: 's' },
      },
      replicas: [
        { profile: 'my.swift', readPriority: 1 },
        { profile: 'my-local', readPriority: 3 },
      ],
      retry: { attemptsMax: 3, delayMs: 1000 },
    });
    expect(profiles['my.swift']?.storage).toMatchObject({ endpointUrl: 'https://s8k.example.com' });
    expect(profiles['google']?.storage).toMatchObject({
      endpointUrl: 'https://storage.googleapis.com',
      credentials: { kind: 'chain' },
    });
    expect(profiles['my-local']?.storage).toEqual({ type: 'file', basePath: '/lustre/$$' });
  });

  it('never has a secret copied', () => {
    expect(`${yaml}${notes.join('\n')}`).not.toContain('TOPSECRET');
    expect(notes).toContain(
      'set the environment variable MY_DATASET_SECRET_KEY to secret_key of my-dataset in the imported file',
    );
  });

  it('lists what was not imported', () => {
    expect(notes).toEqual([
      expect.stringContaining('MY_DATASET_SECRET_KEY'),
      'the file has keys without a counterpart: include, cache',
      'azure is skipped: Pando has no stores of type azure',
      'my local is called my-local here',
      'my-dataset has keys without a counterpart: caching_enabled',
      'my-dataset has keys without a counterpart: max_concurrency',
      'my-dataset loses its replica azure, which was not imported',
      'my-dataset, retry has keys without a counterpart: backoff_multiplier',
      'multipart_chunksize of google of 4MiB is left out: S3 allows 5MiB to 5GiB',
      'google has credentials of type "GoogleServiceAccountCredentialsProvider", which Pando does not know: the AWS environment is used',
    ]);
  });

  it('may be JSON, and says where it is broken', () => {
    expect(
      importMsc('{"profiles": {"a": {"storage_provider": {"type": "file", "options": {"base_path": "/a"}}}}}').yaml,
    ).toContain('base_path: /a');
    expect(errorOf(() => importMsc('profiles: [')).problems[0]?.line).toBe(1);
  });
});
