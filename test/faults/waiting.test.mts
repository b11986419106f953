import { testStep } from './testStep.mts';

testStep('result');
