/**
 * Keys of services for messages, money, mail and monitoring.
 *
 * in:   nothing      out: rules
 */
import { ALNUM, BASE64, HEX, type Rule, UPPER, URLSAFE } from '../rule.ts';
import { orMore, run, shaped } from '../shape.ts';

/** Base64 of the first digits of a user's id: a digit is 0x30 to 0x39, which leaves little choice for three characters. */
const DISCORD_STARTS = ['MT', 'Mj', 'Mz', 'ND', 'NT', 'Nj', 'Nz', 'OD', 'OT'].flatMap((two) =>
  [...'AEIMQUYcgk'].map((third) => two + third),
);

export const services: readonly Rule[] = [
  shaped({
    id: 'slack-token',
    description: 'Slack token: bot, user, app, refresh, configuration',
    shape: [['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxo-', 'xoxc-', 'xoxd-', 'xoxe-', 'xoxe.'], orMore(`.%${URLSAFE}`, 20)],
    or: [['xapp-', orMore(URLSAFE, 20)]],
  }),
  {
    id: 'slack-webhook',
    pack: 'credentials',
    description: 'Slack incoming webhook or workflow trigger',
    anchors: ['hooks.slack.com/', 'hooks.slack-gov.com/'],
    pattern: /hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9+/]{20,})/,
    hides: (draw) => [['curl https://hooks.slack.com/services/', `T${draw(UPPER, 8)}/B${draw(UPPER, 10)}/${draw(ALNUM, 24)}`, ' -d x']],
    keeps: () => ['https://hooks.slack.com/services/', 'https://hooks.slack.com/services/T.../B.../...', 'https://hooks.slack.com/docs'],
  },
  {
    id: 'discord-token',
    pack: 'credentials',
    description: 'Discord bot token',
    anchors: DISCORD_STARTS,
    pattern: /(?<![\w-])[MNO][A-Za-z0-9]{22,28}\.[\w-]{6}\.[\w-]{27,}/,
    hides: (draw) => [`MTI${draw(ALNUM, 21)}.${draw(ALNUM, 6)}.${draw(URLSAFE, 38)}`],
    keeps: (draw) => [draw(ALNUM, 24), 'MTI.abc.def'],
  },
  {
    id: 'discord-webhook',
    pack: 'credentials',
    description: 'Discord webhook',
    anchors: ['/api/webhooks/'],
    pattern: /\/api\/webhooks\/\d{15,22}\/([\w-]{40,})/,
    hides: (draw) => [[`https://discord.com/api/webhooks/${draw('0-9', 18)}/`, draw(URLSAFE, 68)]],
    keeps: () => ['https://discord.com/api/webhooks/{id}/{token}'],
  },
  {
    id: 'teams-webhook',
    pack: 'credentials',
    description: 'Microsoft Teams webhook',
    anchors: ['/IncomingWebhook/'],
    pattern: /\/IncomingWebhook\/([0-9a-f]{32}\/[0-9a-f-]{36}[\w/-]*)/,
    hides: (draw) => [['https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/', `${draw(HEX, 32)}/${draw(HEX, 36)}`]],
    keeps: () => ['https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/y'],
  },
  {
    id: 'telegram-token',
    pack: 'credentials',
    description: 'Telegram bot token',
    anchors: [':AA', ':BA', ':CA'],
    pattern: /(?<=(?<!\d)\d{8,12}):([ABC]A[\w-]{33})(?![\w-])/,
    hides: (draw) => [[`https://api.telegram.org/bot1${draw('0-9', 9)}:`, `AA${draw(URLSAFE, 33)}`, '/getMe']],
    keeps: () => ['12:AA', '00:1A:AA:10'],
  },
  shaped({
    id: 'stripe-key',
    description: 'Stripe secret or restricted key',
    shape: [['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'sk_prod_', 'rk_prod_'], orMore(ALNUM, 16)],
  }),
  shaped({
    id: 'webhook-secret',
    description: 'Signing secret of webhooks: Stripe, Svix, Clerk',
    shape: ['whsec_', orMore(`${BASE64}=`, 24)],
  }),
  shaped({ id: 'square-token', description: 'Square token', shape: [['sq0atp-', 'sq0csp-', 'sq0idp-'], orMore(URLSAFE, 22)] }),
  shaped({
    id: 'paypal-braintree-token',
    description: 'Braintree access token',
    shape: [['access_token$production$', 'access_token$sandbox$'], run('a-z0-9', 16), '$', orMore(HEX, 32)],
  }),
  shaped({
    id: 'shopify-token',
    description: 'Shopify token',
    shape: [['shpat_', 'shpca_', 'shppa_', 'shpss_', 'shpua_', 'shptka_', 'shpit_'], orMore(ALNUM, 32)],
  }),
  shaped({
    id: 'sendgrid-key',
    description: 'SendGrid API key',
    shape: ['SG.', run(URLSAFE, 16, 32), '.', orMore(URLSAFE, 32)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'mailgun-key', description: 'Mailgun API key', shape: ['key-', run(HEX, 32)], notAfter: URLSAFE }),
  {
    id: 'mailchimp-key',
    pack: 'credentials',
    description: 'Mailchimp API key',
    anchors: ['-us1', '-us2', '-us3', '-us4', '-us5', '-us6', '-us7', '-us8', '-us9'],
    lead: 32,
    pattern: /(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])/,
    hides: (draw) => [`${draw(HEX, 32)}-us12`],
    keeps: () => ['eu-us1', 'region-us1'],
  },
  shaped({
    id: 'brevo-key',
    description: 'Brevo API or SMTP key',
    shape: [['xkeysib-', 'xsmtpsib-'], run(HEX, 64), '-', orMore(ALNUM, 16)],
  }),
  shaped({ id: 'resend-key', description: 'Resend API key', shape: ['re_', run(ALNUM, 8, 10), '_', orMore(ALNUM, 20)], notAfter: ALNUM }),
  shaped({
    id: 'twilio-key',
    description: 'Twilio API key',
    shape: [[...'0123456789abcdef'].map((digit) => `SK${digit}`), run(HEX, 31)],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'sentry-token',
    description: 'Sentry token',
    shape: ['sntrys_', orMore(`${BASE64}=_-`, 60)],
    or: [[['sntryu_', 'sntrya_', 'sntryi_'], orMore(HEX, 64)]],
  }),
  shaped({
    id: 'new-relic-key',
    description: 'New Relic key',
    shape: [['NRAK-', 'NRJS-', 'NRII-', 'NRRA-', 'NRBR-', 'NRAL-'], orMore(URLSAFE, 19)],
  }),
  {
    id: 'new-relic-license',
    pack: 'credentials',
    description: 'New Relic license key',
    anchors: ['NRAL'],
    lead: 36,
    // Those of the EU have four characters more before that.
    pattern: /[0-9a-fA-Fux]{36}NRAL(?![A-Za-z0-9])/,
    hides: (draw) => [`${draw(HEX, 36)}NRAL`],
    keeps: () => ['NRAL', 'GENRAL'],
  },
  shaped({
    id: 'datadog-key',
    description: 'Datadog application key, new form',
    shape: [['ddapp_', 'ddpat_'], orMore(ALNUM, 30)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'posthog-key', description: 'PostHog personal API key', shape: ['phx_', orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({
    id: 'notion-token',
    description: 'Notion integration token',
    shape: ['ntn_', orMore(ALNUM, 40)],
    or: [['secret_', orMore(ALNUM, 43)]],
    notAfter: ALNUM,
  }),
  shaped({ id: 'contentful-token', description: 'Contentful management token', shape: ['CFPAT-', orMore(URLSAFE, 43)] }),
  shaped({ id: 'okta-token', description: 'Okta API token in a header', shape: ['SSWS ', orMore(URLSAFE, 40)] }),
  shaped({
    id: 'mapbox-token',
    description: 'Mapbox secret token',
    shape: ['sk.eyJ', run(URLSAFE, 40, 300), '.', orMore(URLSAFE, 20)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'ngrok-key', description: 'ngrok API key', shape: ['ak_2', orMore(ALNUM, 26)], notAfter: ALNUM }),
];
