import type { IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

/** What n8n hands to a run of a node, to a callback, and to the activation of a trigger. */
export type NodeFunctions = IExecuteFunctions | IHookFunctions | IWebhookFunctions;
