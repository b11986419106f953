import { testStep } from './testStep.mts';

testStep('secret');
testStep('webhook');
