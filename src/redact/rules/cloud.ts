/**
 * Keys of clouds, their databases and their vaults.
 *
 * in:   nothing      out: rules
 *
 * Sources: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (prefixes of ids);
 * learn.microsoft.com/purview/sit-defn-azure-* (the marks that Azure's newer keys carry inside)
 */
import { ALNUM, BASE64, HEX, type Rule, UPPER, URLSAFE } from '../rule.ts';
import { isPlaceholder } from '../secrecy.ts';
import { orMore, run, shaped } from '../shape.ts';

const AWS_ID = ['AKIA', 'ASIA', 'ABIA', 'ACCA'] as const;
const awsId = `(?<![A-Z0-9])(?:${AWS_ID.join('|')})[A-Z0-9]{16}(?![A-Z0-9])`;

export const cloud: readonly Rule[] = [
  {
    id: 'aws-secret-access-key',
    pack: 'credentials',
    description: 'AWS secret access key, by its name or beside its id',
    anchors: [
      ...AWS_ID,
      'ecretAccessKey',
      'ecret_access_key',
      'ECRET_ACCESS_KEY',
      'ecret access key',
      'ecret Access Key',
      'ecret-access-key',
    ],
    pattern: new RegExp(
      `(?:${awsId}[^A-Za-z0-9+/\\n]{1,16}\\n?\\s?|[Ee][Cc][Rr][Ee][Tt][ _-]?[Aa][Cc]{2}[Ee][Ss]{2}[ _-]?[Kk][Ee][Yy][^A-Za-z0-9+/\\n]{0,4}(?:\\[[^\\]\\n]{0,60}\\])?[^A-Za-z0-9+/\\n]{1,16})([${BASE64}]{40})(?![${BASE64}=])`,
    ),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => [
      ['aws_secret_access_key = ', draw(BASE64, 40), '\nregion = eu-west-1'],
      ['{"SecretAccessKey": "', draw(BASE64, 40), '"}'],
      ['export AWS_SECRET_ACCESS_KEY=', draw(BASE64, 40)],
      ['AWS Secret Access Key [None]: ', draw(BASE64, 40)],
    ],
    keeps: (draw) => [
      'aws_secret_access_key = <your secret>',
      `commit ${draw(HEX, 40)}`,
      'const secretAccessKey = credentials.secretAccessKey',
    ],
  },
  {
    id: 'aws-access-key-id',
    pack: 'credentials',
    description: 'AWS access key id, of a user or temporary',
    anchors: AWS_ID,
    pattern: new RegExp(awsId),
    hides: (draw) => AWS_ID.map((start) => `${start}${draw(UPPER, 16)}`),
    keeps: (draw) => ['AKIA', `M${AWS_ID[0]}${draw(UPPER, 16)}`, `${AWS_ID[0]}${draw(UPPER, 24)}`, 'ASIAN_PACIFIC'],
  },
  shaped({ id: 'google-api-key', description: 'Google API key', shape: ['AIza', orMore(URLSAFE, 35)] }),
  shaped({
    id: 'google-oauth',
    description: 'Google OAuth client secret, access or refresh token',
    shape: ['GOCSPX-', orMore(URLSAFE, 24)],
    or: [
      ['ya29.', orMore(URLSAFE, 20)],
      ['1//0', orMore(URLSAFE, 40)],
    ],
    notAfter: ALNUM,
  }),
  {
    id: 'azure-key',
    pack: 'credentials',
    description: 'Azure key with its mark inside: client secret, storage, OpenAI, DevOps',
    anchors: ['7Q~', '8Q~', '9Q~'],
    lead: 3,
    pattern: /(?<![\w~.-])[\w~.-]{3}[789]Q~[\w~.-]{31,34}(?![\w~.-])/,
    hides: (draw) => [`${draw(ALNUM, 3)}8Q~${draw(ALNUM, 34)}`],
    keeps: () => ['x8Q~', '7Q~'],
  },
  {
    id: 'azure-openai-key',
    pack: 'credentials',
    description: 'Azure OpenAI, AI services or DevOps key',
    anchors: ['JQQJ99'],
    lead: 52,
    pattern: /(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}/,
    hides: (draw) => [`${draw(ALNUM, 52)}JQQJ99${draw(ALNUM, 26)}`],
    keeps: () => ['JQQJ99'],
  },
  {
    id: 'azure-connection',
    pack: 'credentials',
    description: 'Key in a connection string of Azure: storage, Service Bus, Event Hubs, Cosmos DB, IoT',
    anchors: ['AccountKey=', 'SharedAccessKey=', 'sharedAccessKey='],
    pattern: new RegExp(`(?:Account|[Ss]haredAccess)Key=([${BASE64}%]{20,}={0,2})`),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => [
      ['DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=', `${draw(BASE64, 86)}==`, ';EndpointSuffix=core.windows.net'],
      ['Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=', `${draw(BASE64, 43)}=`],
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
    keeps: () => ['AccountKey=<account-key>;', 'AccountKey=${key};', 'SharedAccessKey=...'],
  },
  shaped({
    id: 'databricks-token',
    description: 'Databricks token',
    shape: [['dapi', 'dose', 'dkea', 'dsp'], orMore(HEX, 32)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'digitalocean-token', description: 'DigitalOcean token', shape: [['dop_v1_', 'doo_v1_', 'dor_v1_'], orMore(HEX, 64)] }),
  shaped({
    id: 'vault-token',
    description: 'HashiCorp Vault token',
    shape: [['hvs.', 'hvb.', 'hvr.'], orMore(URLSAFE, 24)],
    notAfter: ALNUM,
  }),
  {
    id: 'terraform-token',
    pack: 'credentials',
    description: 'HCP Terraform API token',
    anchors: ['.atlasv1.'],
    lead: 14,
    pattern: /[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}/,
    hides: (draw) => [`${draw(ALNUM, 14)}.atlasv1.${draw(URLSAFE, 67)}`],
    keeps: () => ['x.atlasv1.y'],
  },
  shaped({
    id: 'doppler-token',
    description: 'Doppler token',
    shape: [['dp.pt.', 'dp.st.', 'dp.ct.', 'dp.sa.', 'dp.scim.', 'dp.audit.'], orMore(`.${URLSAFE}`, 40)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'onepassword-token', description: '1Password service account token', shape: ['ops_ey', orMore(`${BASE64}=_-`, 100)] }),
  shaped({ id: 'alibaba-key', description: 'Alibaba Cloud access key id', shape: ['LTAI', run(ALNUM, 12, 24)], notAfter: ALNUM }),
  shaped({
    id: 'supabase-key',
    description: 'Supabase access token or secret key',
    shape: ['sbp_', orMore(HEX, 40)],
    or: [['sb_secret_', orMore(URLSAFE, 20)]],
  }),
  shaped({
    id: 'planetscale-key',
    description: 'PlanetScale token or password',
    shape: [['pscale_tkn_', 'pscale_pw_', 'pscale_oauth_'], orMore(`.${URLSAFE}`, 32)],
  }),
  shaped({
    id: 'tailscale-key',
    description: 'Tailscale key',
    shape: [['tskey-auth-', 'tskey-api-', 'tskey-client-', 'tskey-'], orMore(URLSAFE, 20)],
  }),
  shaped({
    id: 'grafana-token',
    description: 'Grafana service account or Cloud token',
    shape: ['glsa_', run(ALNUM, 32), '_', orMore(HEX, 8)],
    or: [['glc_', orMore(`${BASE64}=`, 32)]],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'cloudflare-token',
    description: 'Cloudflare token, new form; origin CA key',
    shape: ['v1.0-', run(HEX, 24), '-', orMore(HEX, 146)],
    or: [[['cfut_', 'cfat_', 'cfk_'], orMore(ALNUM, 40)]],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'dynatrace-token',
    description: 'Dynatrace API token',
    shape: [['dt0c01.', 'dt0s01.', 'dt0s16.'], run(UPPER, 24), '.', orMore(UPPER, 64)],
  }),
];
