/**
 * Tokens of code hosts, package registries, CI and what deploys.
 *
 * in:   nothing      out: rules
 */
import { ALNUM, HEX, type Rule, URLSAFE, WORD } from '../rule.ts';
import { orMore, run, shaped } from '../shape.ts';

export const code: readonly Rule[] = [
  shaped({
    id: 'github-token',
    description: 'GitHub token: classic, fine-grained, app, OAuth, refresh',
    shape: [['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], orMore(WORD, 36)],
    // A fine-grained one as documented; it may be longer.
    or: [['github_pat_', orMore(WORD, 36)]],
  }),
  shaped({
    id: 'gitlab-token',
    description: 'GitLab token: personal, deploy, runner, CI job, trigger, feed, agent, OAuth, SCIM',
    shape: [
      ['glpat-', 'gldt-', 'glrt-', 'glrtr-', 'glcbt-', 'glptt-', 'glft-', 'glimt-', 'glagent-', 'gloas-', 'glsoat-', 'glffct-'],
      orMore(`.${URLSAFE}`, 20),
    ],
    or: [['GR1348941', orMore(URLSAFE, 20)]],
  }),
  shaped({
    id: 'bitbucket-token',
    description: 'Bitbucket app password or access token',
    shape: [['ATBB', 'ATCTT3'], orMore(`=${URLSAFE}`, 28)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'npm-token', description: 'npm access token', shape: ['npm_', orMore(ALNUM, 36)] }),
  shaped({ id: 'pypi-token', description: 'PyPI API token', shape: ['pypi-', orMore(URLSAFE, 80)] }),
  shaped({ id: 'rubygems-key', description: 'RubyGems API key', shape: ['rubygems_', orMore(HEX, 48)] }),
  shaped({ id: 'crates-token', description: 'crates.io API token', shape: ['cio', run(ALNUM, 32)], notAfter: WORD }),
  shaped({ id: 'nuget-key', description: 'NuGet API key', shape: ['oy2', run('a-z0-9', 43)], notAfter: WORD }),
  shaped({ id: 'docker-token', description: 'Docker access token', shape: [['dckr_pat_', 'dckr_oat_'], orMore(URLSAFE, 27)] }),
  shaped({
    id: 'vercel-token',
    description: 'Vercel token',
    shape: [['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_'], orMore(ALNUM, 24)],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'netlify-token',
    description: 'Netlify personal access token',
    shape: [['nfp_', 'nfc_', 'nfo_', 'nfb_'], orMore(ALNUM, 36)],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'fly-token',
    description: 'Fly.io access token',
    shape: [['fo1_', 'fm1r_', 'fm1a_', 'fm2_'], orMore('A-Za-z0-9+/=_,-', 40)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'circleci-token', description: 'CircleCI personal or project token', shape: [['CCIPAT_', 'CCIPRJ_'], orMore(WORD, 40)] }),
  shaped({
    id: 'buildkite-token',
    description: 'Buildkite token',
    shape: [['bkua_', 'bkct_', 'bkat_'], orMore(ALNUM, 40)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'sonar-token', description: 'SonarQube token', shape: [['squ_', 'sqp_', 'sqa_'], orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: 'snyk-token', description: 'Snyk token', shape: [['snyk_uat.', 'snyk_sat.'], orMore(`.${URLSAFE}`, 40)] }),
  shaped({ id: 'pulumi-token', description: 'Pulumi access token', shape: ['pul-', orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: 'postman-key', description: 'Postman API key', shape: ['PMAK-', run(HEX, 24), '-', orMore(HEX, 34)] }),
  shaped({
    id: 'figma-token',
    description: 'Figma personal access token',
    shape: [['figd_', 'figo_'], orMore(URLSAFE, 40)],
    notAfter: ALNUM,
  }),
  shaped({
    id: 'linear-key',
    description: 'Linear API key or OAuth token',
    shape: [['lin_api_', 'lin_oauth_', 'lin_wh_'], orMore(ALNUM, 32)],
  }),
  shaped({
    id: 'atlassian-token',
    description: 'Atlassian API token',
    shape: ['ATATT3', orMore(`=${URLSAFE}`, 60)],
  }),
];
