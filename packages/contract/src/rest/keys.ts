/** API keys, as their makers ask for them and see them. */
import { z } from 'zod';
import { wellFormed } from './program-fields.js';

/** `read` sees jobs, `submit` makes and ends them, `admin` may do everything, for all owners' queues and keys. */
export const SCOPES = ['submit', 'read', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

const scope = z.enum(SCOPES);

const limit = (description: string) => z.int().min(1).max(1_000_000_000).optional().meta({ description });

const keyLimits = z
  .strictObject({
    requestsPerMinute: limit('Requests in a minute, of this key.'),
    unfinishedJobs: limit('Jobs without a result at once, of its owner; half of `MAX_QUEUED_JOBS` when left out.'),
    cpuSecondsPerDay: limit("Processor time of its owner's programs within 24 hours, in seconds."),
  })
  .meta({
    id: 'KeyLimits',
    description: 'What a key may use; what is left out is not limited, but for `unfinishedJobs`.',
  });

const ownerId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, "_" and "-", and begin with a letter or digit');

const keyId = z
  .string()
  .regex(/^[a-z0-9]{12}$/, 'must be the id of a key: 12 lower-case letters and digits')
  .meta({ example: 'k3v9x2m1q7d0' });

export const newApiKeySchema = z
  .strictObject({
    name: wellFormed
      .refine((name) => name.trim() !== '' && name.length <= 100, 'must be 1 to 100 characters')
      .meta({ description: 'What you call it.', example: 'course site' }),
    scopes: z
      .array(scope)
      .min(1, 'must have at least one scope')
      .default(['submit', 'read'])
      .meta({ description: '`submit` makes and ends jobs, `read` sees them, `admin` may do everything.' }),
    ownerId: ownerId.optional().meta({
      description:
        'Whose jobs it makes and sees; keys with the same owner share them. Left out, it shares with no other key.',
    }),
    limits: keyLimits.default({}),
    expiresAt: z.iso
      .datetime()
      .refine((text) => Date.parse(text) > Date.now(), 'must be in the future')
      .optional()
      .meta({ description: 'It is not taken any more from then on; never ends when left out.' }),
  })
  .meta({ id: 'NewApiKey' });

/** What a key may use; unset is unlimited, but for `unfinishedJobs`. */
export type KeyLimits = Readonly<z.output<typeof keyLimits>>;

export type NewApiKey = z.output<typeof newApiKeySchema>;
export type NewApiKeyInput = z.input<typeof newApiKeySchema>;

const time = z.iso.datetime();

export const apiKeySchema = z
  .object({
    id: keyId,
    name: z.string(),
    ownerId: z.string(),
    scopes: z.array(scope),
    limits: keyLimits,
    createdAt: time,
    expiresAt: time.optional(),
    revokedAt: time.optional(),
  })
  .meta({ id: 'ApiKey' });

export type ApiKeyJson = z.output<typeof apiKeySchema>;

export const createdApiKeySchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key itself. It is told this once, and never again.' }) })
  .meta({ id: 'CreatedApiKey' });

export type CreatedApiKeyJson = z.output<typeof createdApiKeySchema>;

export const apiKeyPageSchema = z
  .object({
    keys: z.array(apiKeySchema).meta({ description: 'By id, revoked and expired ones too.' }),
    nextCursor: keyId.optional().meta({ description: 'Absent on the last page.' }),
  })
  .meta({ id: 'ApiKeyPage' });

export type ApiKeyPageJson = z.output<typeof apiKeyPageSchema>;

export const keyParamsSchema = z.strictObject({ id: keyId });

export const keyListQuerySchema = z.strictObject({
  cursor: keyId.optional().meta({ description: '`nextCursor` of the page before.' }),
});
